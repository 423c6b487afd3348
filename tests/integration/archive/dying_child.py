"""An archive run that dies at its n-th write to the disk, before that write has its name."""

import asyncio
import os
import signal
import sys
from datetime import date
from pathlib import Path

from cli import operate
from cli.archive import manifest, writing

DIRECTORY, STEP = Path(sys.argv[1]), int(sys.argv[2])


async def main() -> None:
    put, done = manifest.put, 0

    def dying(path: Path, content: bytes) -> None:
        nonlocal done
        done += 1
        if done == STEP:
            path.with_name(f".{path.name}.part").write_bytes(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        put(path, content)

    manifest.put = dying
    async with operate.database() as database:
        await writing.write(database, DIRECTORY, date(2026, 6, 1))


asyncio.run(main())
