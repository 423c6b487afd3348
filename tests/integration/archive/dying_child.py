"""An archive run that dies at its n-th step on the disk: amid a write, after it, or beside a removal."""

import asyncio
import itertools
import os
import signal
import sys
from datetime import date
from pathlib import Path

from cli import command_runner
from cli.archive import manifest, writing

DIRECTORY, STEP = Path(sys.argv[1]), int(sys.argv[2])


put, unlink = manifest.write_atomically, Path.unlink
steps = itertools.count(1)


def die_at_the_step() -> None:
    if next(steps) == STEP:
        os.kill(os.getpid(), signal.SIGKILL)


def dying_put(path: Path, content: bytes) -> None:
    path.with_name(f".{path.name}.part").write_bytes(content[: len(content) // 2])
    die_at_the_step()
    put(path, content)
    die_at_the_step()


def dying_unlink(path: Path, missing_ok: bool = False) -> None:
    die_at_the_step()
    unlink(path, missing_ok=missing_ok)
    die_at_the_step()


async def main() -> None:
    async with command_runner.database() as database:
        await writing.write(database, DIRECTORY, date(2026, 6, 1))


manifest.write_atomically = dying_put
Path.unlink = dying_unlink  # type: ignore[method-assign, assignment]
asyncio.run(main())
