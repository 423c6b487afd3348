"""The tools of Prometheus and Alertmanager, which are parts of Debian's packages of these names."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_PACKAGES: Final = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def path_of(tool: str) -> str:
    """Return where *tool* is; a test that lacks it fails in one sentence."""
    found = shutil.which(tool)
    if found is None:
        pytest.fail(f"{tool} is needed: install Debian's package {_PACKAGES[tool]}", pytrace=False)
    return found


def said(tool: str, *arguments: str, directory: Path | None = None, given: str | None = None) -> str:
    """Return what *tool* says, which has to end well; *given* is its standard input."""
    command = [path_of(tool), *arguments]
    ended = subprocess.run(command, cwd=directory, input=given, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
