"""Every trade of an order, from an exchange that lists a hundred at once, from whichever end."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.orders.account import PAGES_MAX, TRADES_MAX, all_trades
from shared.mexc.orders.order_reports import TradeReport
from tests.support.data.builders import NOON
from tests.support.data.strategies import steady

NOON_MS = int(NOON.timestamp() * 1000)
SPAN = (NOON_MS - 60_000, NOON_MS + 120_000)


def traded(number: int, ms: int) -> TradeReport:
    return TradeReport(
        symbol="ABCUSDT",
        trade_id=str(number),
        order_id="X1",
        price=Decimal(1),
        quantity=Decimal(1),
        quote_quantity=Decimal(1),
        commission=Decimal(0),
        commission_asset="USDT",
        traded_at=NOON + timedelta(milliseconds=ms),
        is_buyer=True,
        is_maker=False,
    )


class Exchange:
    def __init__(self, times: Sequence[int], *, newest_first: bool, heeds_times: bool = True) -> None:
        self.trades = [traded(number, ms) for number, ms in enumerate(sorted(times))]
        self.newest_first, self.heeds_times = newest_first, heeds_times
        self.pages = 0

    async def page(self, start: int | None, end: int | None) -> Sequence[TradeReport]:
        self.pages += 1
        found = [each for each in self.trades if not self.heeds_times or self._within(each, start, end)]
        return (found[::-1] if self.newest_first else found)[:TRADES_MAX]

    def _within(self, trade: TradeReport, start: int | None, end: int | None) -> bool:
        assert trade.traded_at is not None
        at_ms = round(trade.traded_at.timestamp() * 1000)
        return (start is None or start <= at_ms) and (end is None or at_ms <= end)

    async def told(self, wanted: int) -> set[str]:
        found = await all_trades(self.page, *SPAN, lambda trades: len(trades) == wanted)
        assert len({each.trade_id for each in found}) == len(found)
        return {each.trade_id for each in found}


@pytest.mark.parametrize("newest_first", [True, False])
async def test_an_order_that_was_filled_by_128_makers_is_read_whole(*, newest_first: bool) -> None:
    exchange = Exchange([number // 50 for number in range(128)], newest_first=newest_first)

    assert len(await exchange.told(128)) == 128
    assert exchange.pages <= 4


async def test_a_page_that_is_enough_is_the_only_one() -> None:
    exchange = Exchange(range(100), newest_first=True)

    assert len(await exchange.told(100)) == 100
    assert exchange.pages == 1


@pytest.mark.parametrize("newest_first", [True, False])
async def test_more_trades_in_one_millisecond_than_a_page_holds_stay_missing_and_the_asking_ends(
    *, newest_first: bool
) -> None:
    exchange = Exchange([*range(10), *[10] * 128, *range(11, 21)], newest_first=newest_first)

    assert len(await exchange.told(148)) == 120
    assert exchange.pages <= PAGES_MAX


async def test_an_exchange_that_overlooks_the_times_is_not_asked_for_ever() -> None:
    exchange = Exchange(range(128), newest_first=True, heeds_times=False)

    assert len(await exchange.told(128)) == 100
    assert exchange.pages <= PAGES_MAX


@steady
@given(
    times=st.lists(st.integers(0, 40), max_size=700).filter(lambda t: max(map(t.count, t), default=0) < TRADES_MAX),
    newest_first=st.booleans(),
)
async def test_however_trades_lie_all_are_read(times: list[int], *, newest_first: bool) -> None:
    exchange = Exchange(times, newest_first=newest_first)

    assert len(await exchange.told(len(times))) == len(times)
