"""An archive run that dies at its n-th step on the disk: amid a write, after it, or beside a removal."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from cli import command_runner
from cli.archive import manifest, writing


@dataclass(frozen=True, slots=True)
class Death:
    """Which run dies, and where."""

    environment: Mapping[str, str]
    archive: Path
    step: int


def run(death: Death) -> None:
    """Archive until that step, in a process of its own."""
    os.environ.clear()
    os.environ.update(death.environment)
    steps = itertools.count(1)

    def die_at_the_step() -> None:
        if next(steps) == death.step:
            os.kill(os.getpid(), signal.SIGKILL)

    manifest.write_atomically = partial(_dying_put, manifest.write_atomically, die_at_the_step)
    unlink = Path.unlink

    def dying_unlink(path: Path, missing_ok: bool = False) -> None:
        die_at_the_step()
        unlink(path, missing_ok=missing_ok)
        die_at_the_step()

    Path.unlink = dying_unlink  # type: ignore[method-assign, assignment]
    asyncio.run(_archive(death.archive))


def _dying_put(put: Callable[[Path, bytes], None], die: Callable[[], None], path: Path, content: bytes) -> None:
    path.with_name(f".{path.name}.part").write_bytes(content[: len(content) // 2])
    die()
    put(path, content)
    die()


async def _archive(directory: Path) -> None:
    async with command_runner.database() as database:
        await writing.write(database, directory, date(2026, 6, 1))
