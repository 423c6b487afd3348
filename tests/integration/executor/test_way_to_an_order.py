"""How much stands between a listing and its order. Counted, because a busy machine does not change a count."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import FrameType

from executor.listing_handler import BuyListing
from executor.sending.order_sender import OrderSender
from executor.settings import ExecutorSettings
from shared.mexc.http.connection import HttpConnection
from tests.support.running.executors import RULES, configure
from tests.support.running.simulators import running_simulator
from tests.support.running.trading import a_fresh_listing, a_venue, executor

CALLS_MAX = 142
"""138 where nothing runs beside it."""
"""Of our own functions, from the decoded listing to the bytes of its order, but those while its commit is under way.
Raise it only for what must be before them: between a frame and its order all of this runs cold."""
SAMPLES_MAX = 50
OURS = tuple(str(Path(part).absolute()) + "/" for part in ("executor", "shared"))
FIRST, LAST = BuyListing.__call__.__code__, HttpConnection.exchange.__code__
AHEAD = OrderSender.made_ahead.__code__
"""While the commit is under way: the order waits for none of it."""


class Count:
    """Begins with the decision on a listing and ends when its order is written."""

    def __init__(self) -> None:
        self.calls = 0
        self._begun = self._waits = self.ended = False

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if code is AHEAD and event in {"call", "return"}:
            self._waits = event == "call"
        if event != "call" or self.ended or self._waits:
            return
        self._begun = self._begun or code is FIRST
        self.ended = self._begun and code is LAST
        self.calls += self._begun and code.co_filename.startswith(OURS)


@contextmanager
def counted() -> Iterator[Count]:
    count, before = Count(), sys.getprofile()
    sys.setprofile(count)
    try:
        yield count
    finally:
        sys.setprofile(before)


async def test_no_more_stands_between_a_listing_and_its_order_than_ever(database_url: str, broker_url: str) -> None:
    counts, settings = (
        [],
        ExecutorSettings(rehearsal_seconds=0, orders_per_minute=SAMPLES_MAX, listings_per_minute_max=SAMPLES_MAX),
    )
    async with (
        running_simulator() as simulator,
        executor(database_url, broker_url, a_venue(simulator.rest_url, live=True), settings) as trading,
    ):
        await configure(trading.runtime.database, "auto_trade = true, max_position_usdt = 100000")
        for number in range(SAMPLES_MAX):
            symbol = f"FRESH{number}USDT"
            await simulator.list_coin(symbol, price="1.00", swing="0")
            with counted() as count:
                await trading.tell(a_fresh_listing(symbol, price=Decimal("1.00"), rules=RULES))
                await trading.ended(symbol)
            assert count.ended
            counts.append(count.calls)
            if count.calls <= CALLS_MAX:
                break

    # One is enough: what runs beside it, such as a look for halts, may fall in between.
    assert min(counts) <= CALLS_MAX, counts
