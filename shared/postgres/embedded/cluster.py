"""Data directory of the embedded PostgreSQL: created atomically, and configured."""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from shared.errors import SniperError
from shared.postgres.embedded.tools import VERSION, Tools

CONFIGURATION: Final = "sniper.conf"
PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "track_commit_timestamp": "on",  # the commit time of each row
        "shared_buffers": "32MB",  # a few rows a day need no more
        "max_connections": "50",
        "log_min_messages": "warning",
    }
)
_UNFINISHED: Final = ".postgres-unfinished-"
_WITHIN: Final = ("PG_VERSION", "postgresql.conf", "global/pg_control")
"""Present once initdb has finished."""


def ensure_cluster(directory: Path, tools: Tools) -> None:
    """Initialise *directory* if it is empty, and configure it; raise SniperError or OSError.

    The caller holds the lock, so leftovers of an earlier start belong to no process.
    """
    for leftover in directory.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if not _has_content(directory):
        _initialise(directory, tools)
    missing = [name for name in _WITHIN if not (directory / name).exists()]
    if missing:
        raise SniperError(
            f"{directory} is no complete PostgreSQL data directory ({missing[0]} is missing; a first start may have "
            "been killed): move it away and start again"
        )
    found = (directory / "PG_VERSION").read_text().strip()
    if found != str(VERSION):
        raise SniperError(f"{directory} belongs to PostgreSQL {found}, and ours is {VERSION}: move it away, or upgrade")
    _configure(directory)


def _has_content(directory: Path) -> bool:
    return directory.exists() and any(directory.iterdir())


def _initialise(directory: Path, tools: Tools) -> None:
    """Run initdb beside *directory* and rename the result: a killed start leaves no half-made directory."""
    beside = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=directory.parent))
    try:
        tools.give(beside)
        tools.run(
            "initdb",
            [
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                # The same on every machine, and always installed, because it is part of the server.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                f"--pgdata={beside}",
            ],
        )
        with suppress(FileNotFoundError):
            directory.rmdir()
        beside.rename(directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _configure(directory: Path) -> None:
    (directory / CONFIGURATION).write_text("".join(f"{name} = {value}\n" for name, value in PARAMETERS.items()))
    main = directory / "postgresql.conf"
    include = f"include = '{CONFIGURATION}'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)
