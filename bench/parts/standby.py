"""Two processes on the express way, of which the one that bought last is killed; and one that is restarted alone."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.venue import Venue, open_venue
from bench.figures import BenchmarkError, Result, latency
from bench.harness import Harness, wait_until_ready
from bench.parts.executor import LIVE, triggered
from tests.support.running.processes import Sniper
from tests.waiting import eventually

BOUGHT: Final = 'sniper_express_sightings_total{outcome="bought",reason=""} '
ROUNDS_MAX: Final = 10
AFTER: Final = 3
"""Coins shown after each kill, all of which are bought."""
SHOWN_SECONDS: Final = 0.15
"""Between coins that are shown to a process that starts."""
WEIGHT_SECONDS: Final = 10.0
"""The window of the exchange's limits: starts of the rounds have used of it, one every few seconds."""
RESTART_SECONDS: Final = 30.0
FOLLOWED_SECONDS: Final = 5.0


@dataclass
class Pair:
    """Two processes on one exchange, broker and database."""

    harness: Harness
    venue: Venue
    variables: Mapping[str, str]
    stack: AsyncExitStack
    running: list[Sniper] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def start(self) -> Sniper:
        """Start one more process; return before it is ready."""
        service = self.harness.service("run", "express", environment=self.variables)
        self.running.append(await self.stack.enter_async_context(service))
        return self.running[-1]

    async def kill(self, process: Sniper) -> int:
        """Kill *process*; return when that began."""
        began_ns = time.monotonic_ns()
        self.running.remove(process)
        await process.kill()
        return began_ns

    async def followed_by(self, count: int) -> None:
        """Return once *count* connections follow the frames."""
        self.venue.followers = count
        async with asyncio.timeout(FOLLOWED_SECONDS):
            while not self.venue.is_followed():  # noqa: ASYNC110 - the venue has no event of it
                await asyncio.sleep(0.001)

    async def killed_ms(self) -> float:
        """Kill the process that bought last; return the milliseconds until the other has bought the next coin."""
        before = [await bought(each) for each in self.running]
        await self.venue.show(self.coin())
        began_ns = await self.kill(await self._winner(before))
        await self.followed_by(len(self.running))
        journey = await self.venue.show(self.coin())
        for _ in range(AFTER - 1):
            await self.venue.show(self.coin())
        return (journey.ordered.monotonic_ns - began_ns) / 1e6

    async def _winner(self, before: Sequence[float]) -> Sniper:
        """Return the process that bought once more than *before*; it counts that after the order has left."""

        async def counted() -> list[Sniper]:
            return [each for each, count in zip(self.running, before, strict=True) if await bought(each) > count]

        try:
            winners: list[Sniper] = await eventually(counted)
        except AssertionError:
            winners = []
        if len(winners) != 1:
            raise BenchmarkError(f"{len(winners)} processes bought one coin ahead of its announcement")
        return winners[0]

    async def replaced(self) -> None:
        """Start a process in the place of the one killed."""
        await wait_until_ready(await self.start())
        await self.followed_by(2)
        await self.venue.list_newcomers()

    async def restarted_ms(self) -> float:
        """Kill both, start one; return the milliseconds from the last kill until it has bought a coin."""
        began_ns = [await self.kill(each) for each in tuple(self.running)][-1]
        self.venue.followers = 1
        await self.start()
        async with asyncio.timeout(RESTART_SECONDS):
            while True:
                await asyncio.sleep(SHOWN_SECONDS)
                if self.venue.is_followed() and (ordered := await self._bought_soon()) is not None:
                    return (ordered - began_ns) / 1e6

    async def _bought_soon(self) -> int | None:
        symbol = self.coin()
        ordered = self.venue.expect(symbol)
        await self.venue.push(symbol)
        await asyncio.wait([ordered], timeout=SHOWN_SECONDS)
        return ordered.result().monotonic_ns if ordered.done() else None

    def coin(self) -> str:
        return f"N{next(self.numbers):05d}USDT"


async def measure(harness: Harness) -> Result:
    """Return the times from the kill of the process that bought last to the arrival of the next coin's order."""
    rounds = min(harness.plan.samples, ROUNDS_MAX)
    async with (
        open_pair(harness) as (pair, database),
        triggered(harness, pair.venue, "straight", database=database) as bare,
    ):
        killed_ms: list[float] = []
        floor_ms: list[float] = []
        for number in range(rounds):
            floor_ms.append(await bare(number))
            killed_ms.append(await pair.killed_ms())
            await pair.replaced()
        await asyncio.sleep(WEIGHT_SECONDS)
        restarted_ms = await pair.restarted_ms()
    return Result(
        ours=latency(killed_ms),
        floor=latency(floor_ms),
        what="SIGKILL of the express process that bought last → order request of the next coin, by the other",
        extra={"restarted_alone_ms": round(restarted_ms), "bought_after_each_kill": f"{AFTER} of {AFTER} shown"},
    )


@asynccontextmanager
async def open_pair(harness: Harness) -> AsyncIterator[tuple[Pair, str]]:
    """Run two processes, ready, and dedup; yield them and their database."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await trade_live(database)
    await create_floor_table(database)
    async with open_venue() as venue, AsyncExitStack() as stack:
        variables = {**environment(venue, database, broker), **LIVE}
        await stack.enter_async_context(harness.services("dedup", environment=variables))
        pair = Pair(harness, venue, variables, stack)
        for _ in range(2):
            await wait_until_ready(await pair.start())
        await pair.followed_by(2)
        yield pair, database


async def bought(process: Sniper) -> float:
    """Return how many coins *process* has bought on the express way."""
    page = (await process.get("/metrics")).text
    return sum(float(line.removeprefix(BOUGHT)) for line in page.splitlines() if line.startswith(BOUGHT))
