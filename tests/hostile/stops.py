"""Stops that come due, each measured by the exchange's ledger until its sale is received."""

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from executor.rate_limits.rate_budget import WEIGHT_SECONDS
from shared.mexc.weights import Pool
from tests.hostile.ground import PRODUCTION, QUICK, Ground
from tests.support.running.simulators import plain_http
from tests.waiting import eventually

ALLOWED_SECONDS: Final = 2.0
BY_STREAM_SECONDS: Final = 1.0
"""The same where the streams of the coins are fresh."""
STEPS: Final = 8
"""Between a fall and its sale: two looks with the books that they ask for, a balance, two entries, the order."""
PROBE_EVERY_SECONDS: Final = 0.1
SALES_MAX: Final = 3
"""The median of so many decides, and no more are waited for once two of them agree."""
PLAYS: Final = int(os.environ.get("STOP_PLAYS", "0"))
"""How often to play each scenario at least, to learn its figures."""
WIDER: Final = ("orders_per_minute", "orders_per_day", "listings_per_minute_max", "daily_spend_usdt", "failures_max")
QUICKER: Final = ("protection_seconds", "absent_reads", "recv_window_ms")
EXITS: Final[Mapping[str, Any]] = {
    **PRODUCTION,
    **{name: QUICK[name] for name in WIDER + QUICKER},
    "exchange_timeout_seconds": 2.5,
    "stop_loss_pct": 20,
    "exit_streams": False,
}
"""Only limits that so many scenarios would meet are wider, and it is quicker proven that a purchase is absent."""
WEIGHT_USED: Final = "sniper_executor_rate_weight_used"
BY_STREAM: Final[Mapping[str, Any]] = {**EXITS, "exit_streams": True}
USED_MAX: Final = 80
"""Of the weight of 120 in ten seconds: looks at one coin take 60, and the rules, which weigh 25, can be read beside."""
USED_UP: Final = 95
"""The rules do not fit beside so much."""
BOOKS: Final = 24
"""More than there is room for."""
HELD: Final = "SELECT FROM positions WHERE state = 'open'"
WATCHED: Final = "SELECT stop_reference IS NOT NULL AS watched FROM positions WHERE symbol = $1"


@dataclass(slots=True)
class Scenario:
    """Coins that are held on a ground; *seconds* collects what was measured."""

    ground: Ground
    name: str
    exits: Mapping[str, Any] = field(default_factory=lambda: EXITS)
    seconds: list[float] = field(default_factory=list)
    held: int = 0

    async def holds(self, count: int = 1, **coin: Any) -> list[str]:
        """Have so many coins bought, and return their symbols once each is watched.

        Unless coins are held that stay so, the executor has used little of the rate limits: what was used before, by
        the play before as by other scenarios, is theirs.
        """
        await self.ground.staffed(**self.exits)
        if not await self.ground.rows(HELD):
            await self.has_room()
        await self.ground.allows(trade_usdt=50, position_usdt=5000)
        symbols = [f"{self.name}{number}USDT" for number in range(self.held, self.held + count)]
        self.held += count
        await asyncio.gather(*(self.ground.buys(symbol, **coin) for symbol in symbols))
        for symbol in symbols:
            await eventually(lambda symbol=symbol: self._is_watched(symbol))  # type: ignore[misc]
        return symbols

    async def holds_many(self) -> list[str]:
        """Hold eight coins, whose looks take all that the rate limits have for looks.

        What their purchases used is free again: looks are further apart beside that, up to what their reserve sustains.
        """
        symbols = await self.holds(8)
        bought_at = time.monotonic()

        async def is_free_again() -> bool:
            return time.monotonic() - bought_at > WEIGHT_SECONDS and await self._used() <= USED_MAX

        await eventually(is_free_again, within_seconds=40, every_seconds=0.1)
        return symbols

    def symbols(self, what: str, count: int) -> list[str]:
        """Return the symbols of so many coins."""
        return [f"{self.name}{what}{number}USDT" for number in range(count)]

    async def announces(self, symbols: Sequence[str]) -> None:
        """List and announce coins that are not held."""
        for symbol in symbols:
            await self.ground.announces(await self.ground.lists(symbol))

    async def has_room(self) -> None:
        """Return once the executor has used little of the rate limits: a fifth of them is to be needed at once."""

        async def is_there() -> bool:
            used = await self._used()
            assert used <= USED_MAX, f"a weight of {used:g} is used"
            return True

        await eventually(is_there, within_seconds=40, every_seconds=0.1)

    async def has_no_room(self) -> None:
        """Return once too little of the rate limits is left for a question about rules, and more is waited for.

        Purchases use it: two have rules and book read, the others a book each. None is bought, for each is too small.
        """
        symbols = self.symbols("ASKED", 2 + BOOKS)
        listings = [await self.ground.lists(symbol, notional_min="1000") for symbol in symbols]
        first, second, *others = [each.model_copy(update={"price": None}) for each in listings]
        await self.ground.announces(first.model_copy(update={"rules": None}))
        await self.ground.order(first.symbol, "rejected")  # Else one request would be for both.
        await self.ground.announces(second.model_copy(update={"rules": None}))
        for each in others:
            await self.ground.announces(each)

        async def is_used_up() -> bool:
            used = await self._used()
            assert used > USED_UP, f"a weight of {used:g} is used"
            return True

        await eventually(is_used_up, every_seconds=0.02)

    async def sells_one_by_one(self, symbols: Sequence[str]) -> None:
        """Let the market of one after the other fall, and measure until each is on its way out."""
        for symbol in symbols:
            self.took(await self.ground.falls(symbol), await self.sale(symbol))

    async def sells_together(self, symbols: Sequence[str]) -> None:
        """Let the markets of all fall at once, and measure until the last is on its way out: one figure for all."""
        fell_at = time.time_ns()
        await asyncio.gather(*(self.ground.falls(symbol) for symbol in symbols))
        self.took(fell_at, max([await self.sale(symbol) for symbol in symbols]))

    async def sells_in_the_end(self, *symbols: str, refused: int) -> None:
        """Measure the longest time between one sale of each of *symbols*, at once, and the next: one figure for all.

        So many sales of each are refused.
        """

        async def longest_ns(symbol: str) -> int:
            fell_at = await self.ground.falls(symbol)
            times = [fell_at, *[await self.sale(symbol, count=count) for count in range(1, refused + 2)]]
            return max(after - before for before, after in itertools.pairwise(times))

        self.seconds.append(max(await asyncio.gather(*map(longest_ns, symbols))) / 1e9)

    async def sale(self, symbol: str, *, count: int = 1, taken: bool = False) -> int:
        """Return when the exchange received that sale, or took it, in ns of this machine's clock."""

        async def received() -> int:
            sales = await self.ground.posted(symbol, "SELL")
            sales = [each for each in sales if each["accepted"] or not taken]
            return int(sales[count - 1]["received_at_ns"]) if len(sales) >= count else 0

        return int(await eventually(received, every_seconds=0.02))

    async def are_followed(self, symbols: Sequence[str]) -> None:
        """Return once all of *symbols* are judged by their streams."""
        assert self.ground.resident is not None

        def by_stream() -> bool:
            prices = self.ground.prices()
            assert all(prices.get(symbol) == "stream" for symbol in symbols), f"the sources of prices are {prices}"
            return True

        await eventually(by_stream, within_seconds=30)

    async def _used(self) -> float:
        """Return the weight that the executor used of what its address may."""
        assert self.ground.resident is not None
        families = text_string_to_metric_families((await self.ground.resident.get("/metrics")).text)
        samples = [each for family in families if family.name == WEIGHT_USED for each in family.samples]
        [used] = [each.value for each in samples if each.labels["pool"] == Pool.ADDRESS]
        return used

    def took(self, since_ns: int, received_ns: int) -> None:
        self.seconds.append(max(0, received_ns - since_ns) / 1e9)

    async def _is_watched(self, symbol: str) -> bool:
        return [row["watched"] for row in await self.ground.rows(WATCHED, symbol)] == [True]


Play = Callable[[Scenario], Awaitable[None]]


class Figures:
    """The times of every scenario that was played."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._allowed: dict[str, float] = {}
        self._plays = itertools.count()

    async def of(
        self, play: Play, ground: Ground, exits: Mapping[str, Any] = EXITS, *, allowed_seconds: float = ALLOWED_SECONDS
    ) -> tuple[float, float]:
        """Play a scenario until its sales have decided; return their median, and what is allowed on this machine."""
        name = play.__name__.replace("_", " ") + (" by streams" if exits["exit_streams"] else "")
        seconds = self._seconds.setdefault(name, [])
        async with probing(ground) as steps:
            for count in itertools.count(1):
                scenario = Scenario(ground, f"STOP{next(self._plays)}X", exits)
                await play(scenario)
                seconds += scenario.seconds
                self._allowed[name] = allowed_seconds + STEPS * statistics.median(steps)
                if count >= PLAYS and is_decided(seconds, self._allowed[name]):
                    break
        return sorted(seconds)[len(seconds) // 2], self._allowed[name]

    def table(self) -> str:
        """Return the median and the worst of each scenario."""
        lines = [
            f"| {name} | {len(each)} | {statistics.median(each):.2f} | {max(each):.2f} | {self._allowed[name]:.2f} |"
            for name, each in self._seconds.items()
            if each
        ]
        head = ["| a stop is due | sales | median, s | worst, s | allowed, s |", "| --- | --- | --- | --- | --- |"]
        return "\n".join([*head, *lines])


@asynccontextmanager
async def probing(ground: Ground) -> AsyncIterator[Sequence[float]]:
    """Collect what one bare step takes on this machine meanwhile, in s: an answer of the exchange and one of the books.

    A machine that is busy with other things is so late with each step of a sale, which is no delay of the product's.
    """
    steps: list[float] = []
    caller = {"X-MEXC-APIKEY": "probe"}  # Another than the executor, with limits of its own.

    async def step() -> None:
        began = time.monotonic()
        (await http.get("/api/v3/time", headers=caller)).raise_for_status()
        await ground.rows("SELECT 1")
        steps.append(time.monotonic() - began)

    async def probe() -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            await step()

    async with plain_http(ground.exchange.rest_url) as http:
        await step()
        probe_task = asyncio.create_task(probe(), name="probe")
        try:
            yield steps
        finally:
            probe_task.cancel()
            await asyncio.gather(probe_task, return_exceptions=True)


def is_decided(seconds: Sequence[float], allowed: float) -> bool:
    """Return whether more sales than these would not change on which side of the bound most of them are."""
    under = sum(each < allowed for each in seconds)
    return len(seconds) >= SALES_MAX or max(under, len(seconds) - under) >= SALES_MAX // 2 + 1
