"""A process that watches for halts until killed, and prints each halt of purchases and its end."""

import asyncio
import sys
from pathlib import Path

from executor.halts.halt_watch import watching_halts
from executor.settings import LimitSettings
from shared.events import Mode
from tests.support.running.services import open_database

TELLING = "told:"


async def main(url: str, data_dir: Path) -> None:
    told = None
    async with open_database(url) as database, watching_halts(database, LimitSettings(), data_dir) as watch:
        while True:
            why = watch.buys_halted(Mode.LIVE)
            if why != told:
                print(TELLING, why or "trading", flush=True)  # noqa: T201 - read by the test
                told = why
            await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
