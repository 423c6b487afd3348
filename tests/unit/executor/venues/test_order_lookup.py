"""What is made of the exchange's words about an order: its quantities and its trades decide, not its status."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from executor.model.fill import WORST_FEE
from executor.venues.order_lookup import OrderLookup
from executor.venues.venue import EVERY_WAY, Absent, Ended, Finding, Unclear, Untold, Way, Working
from shared.events import Side
from shared.mexc.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.orders.order_reports import OrderReport, OrderStatus, TradeReport
from tests.support.data.builders import NOON, an_order

NOTHING = {"executed_quantity": Decimal(0), "executed_value": Decimal(0)}
ORDER = an_order(client_order_id="sn1")
KNOWN = an_order(client_order_id="sn1", exchange_order_id="X1")
NOW_MS = int(NOON.timestamp() * 1000) + 5_000


def a_report(status: str = "FILLED", **changes: Any) -> OrderReport:
    known = status in set(OrderStatus)
    described: dict[str, Any] = {
        "symbol": "ABCUSDT",
        "order_id": "X1",
        "client_order_id": "sn1",
        "side": Side.BUY,
        "type": "IMMEDIATE_OR_CANCEL",
        "status": OrderStatus(status) if known else OrderStatus.UNKNOWN,
        "status_word": status,
        "price": Decimal(2),
        "quantity": Decimal(50),
        "quote_quantity": None,
        "executed_quantity": Decimal(50),
        "executed_value": Decimal(100),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return OrderReport(**described | changes)


def a_trade(number: int = 1, **changes: Any) -> TradeReport:
    described: dict[str, Any] = {
        "symbol": "ABCUSDT",
        "trade_id": str(number),
        "order_id": "X1",
        "price": Decimal(2),
        "quantity": Decimal(50),
        "quote_quantity": Decimal(100),
        "commission": Decimal("0.05"),
        "commission_asset": "USDT",
        "traded_at": NOON + timedelta(seconds=1),
        "is_buyer": True,
        "is_maker": False,
    }
    return TradeReport(**described | changes)


class Account:
    """Answers about one order by those ways that show it."""

    def __init__(
        self, report: OrderReport | None = None, *trades: TradeReport, shown_by: Sequence[Way] = EVERY_WAY
    ) -> None:
        self.report, self.trades, self.shown_by = report, trades, shown_by
        self.errors: dict[Way, ExchangeError] = {}
        self.asked: list[Way] = []

    async def order_by_client_id(self, symbol: str, client_order_id: str) -> OrderReport | None:
        return self._shown(Way.CLIENT_ID)

    async def order_by_id(self, symbol: str, order_id: str) -> OrderReport | None:
        return self._shown(Way.EXCHANGE_ID)

    async def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        return [each for each in (self._shown(Way.OPEN_ORDERS),) if each is not None]

    async def all_orders(self, symbol: str, *, start_ms: int) -> Sequence[OrderReport]:
        return [each for each in (self._shown(Way.ALL_ORDERS),) if each is not None]

    async def trades_page(
        self, symbol: str, *, order_id: str = "", start_ms: int | None = None, end_ms: int | None = None
    ) -> Sequence[TradeReport]:
        self._asked(Way.TRADES)
        return [each for each in self.trades if start_ms is None or _ms(each.traded_at) >= start_ms]

    def _shown(self, way: Way) -> OrderReport | None:
        self._asked(way)
        return self.report if way in self.shown_by else None

    def _asked(self, way: Way) -> None:
        self.asked.append(way)
        if way in self.errors:
            raise self.errors[way]


def _ms(moment: datetime | None) -> float:
    assert moment is not None
    return moment.timestamp() * 1000


async def found(account: Account, order: Any = ORDER, ways: Sequence[Way] = EVERY_WAY, **more: bool) -> Finding:
    evidence = OrderLookup(account, lambda: NOW_MS, fee_max=WORST_FEE)
    return await evidence.find(order, ways, has_ended=more.get("has_ended", False))


async def test_the_first_way_that_shows_it_is_the_last_that_is_asked() -> None:
    account = Account(a_report("NEW"))

    assert await found(account) == Working("X1")
    assert account.asked == [Way.CLIENT_ID]  # Its own id is not known to us yet.


@pytest.mark.parametrize("way", [Way.EXCHANGE_ID, Way.CLIENT_ID, Way.OPEN_ORDERS, Way.ALL_ORDERS])
async def test_each_way_alone_shows_it(way: Way) -> None:
    assert await found(Account(a_report("NEW"), shown_by=[way]), KNOWN) == Working("X1")


async def test_only_the_ways_that_are_due_are_asked() -> None:
    account = Account(a_report("NEW"), shown_by=[Way.ALL_ORDERS])

    assert await found(account, ways=[Way.CLIENT_ID]) == Absent()
    assert account.asked == [Way.CLIENT_ID]


async def test_a_list_that_leaves_out_our_id_shows_it_by_the_exchanges() -> None:
    nameless = Account(a_report("NEW", client_order_id=None), shown_by=[Way.OPEN_ORDERS])

    assert await found(nameless, KNOWN) == Working("X1")
    assert await found(nameless, ORDER) == Absent()


async def test_a_way_that_is_refused_does_not_keep_the_others_from_it() -> None:
    account = Account(a_report("NEW"), shown_by=[Way.ALL_ORDERS])
    account.errors[Way.CLIENT_ID] = ExchangeRejected(700007, "no permission")

    assert await found(account) == Working("X1")


async def test_what_was_refused_is_said_where_no_other_way_shows_it() -> None:
    account = Account()
    account.errors[Way.OPEN_ORDERS] = ExchangeUnavailable("HTTP 503")

    with pytest.raises(ExchangeUnavailable, match="503"):
        await found(account)
    assert Way.TRADES in account.asked


async def test_a_rate_limit_ends_the_asking() -> None:
    account = Account()
    account.errors[Way.CLIENT_ID] = RateLimited(1.0)

    with pytest.raises(RateLimited):
        await found(account)
    assert account.asked == [Way.CLIENT_ID]


async def test_a_fee_partly_in_the_coin_and_partly_in_money_is_counted_in_both() -> None:
    half = {"quantity": Decimal(25), "quote_quantity": Decimal(50)}
    trades = (
        a_trade(1, commission=Decimal("0.02"), **half),
        a_trade(2, commission=Decimal("0.0125"), commission_asset="ABC", **half),
    )
    finding = await found(Account(a_report(), *trades))

    assert isinstance(finding, Ended)
    assert finding.fill is not None
    assert finding.fill.quote_spent("USDT") == Decimal("100.02")
    assert finding.fill.base_bought("ABC") == Decimal("49.9875")


async def test_what_ended_without_a_fill_is_over() -> None:
    assert await found(Account(a_report("CANCELED", **NOTHING))) == Ended("X1", None)


async def test_a_status_of_partly_filled_with_nothing_executed_is_not_believed_at_once() -> None:
    nothing = a_report("PARTIALLY_CANCELED", **NOTHING)
    filled = Account(nothing, a_trade(quantity=Decimal(25), quote_quantity=Decimal(50)))

    assert await found(Account(nothing)) == Unclear("X1", "PARTIALLY_CANCELED", Decimal(0))
    assert await found(Account(nothing), has_ended=True) == Ended("X1", None)
    late = await found(filled)
    assert isinstance(late, Untold)
    assert late.fill.base_qty == Decimal(25)


@pytest.mark.parametrize("word", ["EXPIRED", "REJECTED", "", "filled?", "6"])
async def test_a_status_that_no_table_knows_says_nothing_until_it_is_known_to_have_ended(word: str) -> None:
    part = a_report(word, executed_quantity=Decimal(25), executed_value=Decimal(50))
    account = Account(part, a_trade(quantity=Decimal(25), quote_quantity=Decimal(50)))

    before, after = await found(account), await found(account, has_ended=True)

    assert before == Unclear("X1", word, Decimal(25))
    assert isinstance(after, Ended)
    assert after.fill is not None
    assert (after.fill.base_qty, after.fill.complete, after.note) == (Decimal(25), False, word or "none")


async def test_an_order_that_got_all_has_ended_whatever_its_status() -> None:
    finding = await found(Account(a_report("EXPIRED"), a_trade()))

    assert isinstance(finding, Ended)
    assert finding.fill is not None
    assert finding.fill.complete


async def test_a_status_of_filled_with_nothing_executed_is_not_believed() -> None:
    with pytest.raises(ExchangeUnavailable, match="does not show the fill"):
        await found(Account(a_report(executed_quantity=Decimal(0), executed_value=Decimal(0))))


@pytest.mark.parametrize(
    ("executed", "value"), [(Decimal(51), Decimal(100)), (Decimal(50), Decimal(101)), (None, None), (Decimal(50), None)]
)
async def test_trades_that_do_not_add_up_to_the_order_settle_nothing_yet(
    executed: Decimal | None, value: Decimal | None
) -> None:
    finding = await found(Account(a_report(executed_quantity=executed, executed_value=value), a_trade()))

    assert isinstance(finding, Untold)
    assert finding.fill.base_qty == (executed or 50)
    assert finding.fill.cost == (value or 100)


async def test_what_trades_leave_out_is_taken_to_have_cost_the_highest_fee() -> None:
    finding = await found(
        Account(a_report("PARTIALLY_CANCELED"), a_trade(quantity=Decimal(20), quote_quantity=Decimal(40)))
    )

    assert isinstance(finding, Untold)
    assert finding.fill.fees == {"USDT": Decimal("0.05") + 60 * WORST_FEE}


WORST: Final = {"USDT": 100 * WORST_FEE}
"""The highest fee of all of an order's value."""


@pytest.mark.parametrize(
    "told",
    [
        {"commission": None},
        {"commission": Decimal(11)},
        {"commission": Decimal(-11)},
        {"commission": Decimal(6), "commission_asset": "ABC"},
        {"commission": Decimal("1E25"), "commission_asset": "MX"},
    ],
    ids=str,
)
async def test_a_commission_that_can_be_no_fee_is_taken_for_the_highest_one(told: dict[str, Any]) -> None:
    finding = await found(Account(a_report(), a_trade(**told)))

    assert isinstance(finding, Untold)
    assert "1 of them without a fee" in finding.why
    assert finding.fill.fees == WORST
    assert (finding.fill.base_qty, finding.fill.cost) == (Decimal(50), Decimal(100))


async def test_only_trades_without_a_fee_are_taken_to_have_cost_the_highest_one() -> None:
    half: dict[str, Any] = {"quantity": Decimal(25), "quote_quantity": Decimal(50)}
    trades = [a_trade(1, **half), a_trade(2, **half, commission=None)]

    finding = await found(Account(a_report(), *trades))

    assert isinstance(finding, Untold)
    assert finding.fill.fees == {"USDT": Decimal("0.05") + 50 * WORST_FEE}


async def test_a_rebate_and_the_fee_of_a_crumb_are_fees() -> None:
    rebate = await found(Account(a_report(), a_trade(commission=Decimal("-0.02"))))
    crumb: dict[str, Any] = {"executed_quantity": Decimal("0.1"), "executed_value": Decimal("0.2")}
    of_crumb = a_trade(quantity=Decimal("0.1"), quote_quantity=Decimal("0.2"), commission=Decimal("0.1"))
    small = await found(Account(a_report("PARTIALLY_CANCELED", **crumb), of_crumb))

    for finding, fee in ((rebate, "-0.02"), (small, "0.1")):
        assert isinstance(finding, Ended)
        assert finding.fill is not None
        assert finding.fill.fees == {"USDT": Decimal(fee)}


@pytest.mark.parametrize(
    "lie",
    [
        {"quantity": Decimal("1E+29")},
        {"quantity": Decimal(101)},
        {"quantity": Decimal(0)},
        {"quote_quantity": Decimal("1E+29")},
        {"quote_quantity": Decimal(201)},
        {"quote_quantity": Decimal(0)},
    ],
    ids=str,
)
async def test_trades_that_cannot_be_of_the_order_are_none(lie: dict[str, Any]) -> None:
    finding = await found(Account(a_report(), a_trade(**lie)), replace(ORDER, requested_qty=Decimal(50)))

    assert isinstance(finding, Untold)
    assert (finding.fill.base_qty, finding.fill.cost, finding.fill.fees) == (Decimal(50), Decimal(100), WORST)


async def test_trades_that_together_are_too_much_are_none() -> None:
    trades = [a_trade(number) for number in range(3)]

    finding = await found(Account(a_report(), *trades), replace(ORDER, requested_qty=Decimal(50)))

    assert isinstance(finding, Untold)
    assert (finding.fill.base_qty, finding.fill.cost) == (Decimal(50), Decimal(100))


@pytest.mark.parametrize("lie", ["executed_quantity", "executed_value"])
async def test_own_figures_that_cannot_be_leave_its_trades_to_decide(lie: str) -> None:
    changes: dict[str, Any] = {lie: Decimal("1E+29")}
    report = a_report(**changes)

    finding = await found(Account(report, a_trade()), replace(ORDER, requested_qty=Decimal(50)))

    assert isinstance(finding, Untold)
    assert (finding.fill.base_qty, finding.fill.cost) == (Decimal(50), Decimal(100))


async def test_a_sale_brings_no_thousand_times_its_least_price() -> None:
    sale = an_order(client_order_id="sn1", side=Side.SELL, base_qty=Decimal(50), price_min=Decimal(2))
    dear = await found(Account(a_report(executed_value=Decimal("1E+9")), a_trade()), sale)
    well = await found(Account(a_report(executed_value=Decimal(900)), a_trade(quote_quantity=Decimal(900))), sale)

    assert isinstance(dear, Untold)
    assert dear.fill.cost == 100
    assert isinstance(well, Ended)


@pytest.mark.parametrize("error", [ExchangeUnavailable("HTTP 503"), ExchangeRejected(700007, "no permission")])
async def test_an_order_whose_trades_cannot_be_read_got_what_it_says_itself(error: ExchangeError) -> None:
    account = Account(a_report(), a_trade())
    account.errors[Way.TRADES] = error

    finding = await found(account)

    assert isinstance(finding, Untold)
    assert str(error) in finding.why
    assert (finding.fill.base_qty, finding.fill.cost, finding.fill.fees) == (Decimal(50), Decimal(100), WORST)


async def test_trades_that_cannot_be_prove_no_absence() -> None:
    account = Account(None, a_trade(client_order_id="sn1", quote_quantity=Decimal("1E+29")))

    with pytest.raises(ExchangeUnavailable, match="cannot be"):
        await found(account)


async def test_a_value_that_differs_by_the_rounding_of_each_trade_adds_up() -> None:
    rounded = a_trade(quote_quantity=Decimal("99.99995"))

    finding = await found(Account(a_report(), rounded))

    assert isinstance(finding, Ended)
    assert finding.fill is not None
    assert finding.fill.cost == Decimal(100)


async def test_an_order_that_only_its_trades_show_got_what_they_say() -> None:
    by_id = await found(Account(None, a_trade()), KNOWN)
    by_name = await found(Account(None, a_trade(client_order_id="sn1")), ORDER)

    for finding in (by_id, by_name):
        assert isinstance(finding, Untold)
        assert (finding.exchange_order_id, finding.fill.cost) == ("X1", Decimal(100))


@pytest.mark.parametrize(
    ("changes", "others"),
    [
        ({}, {"X1"}),
        ({"is_buyer": None, "traded_at": NOON}, {"X1"}),
        ({"is_buyer": False}, set()),
        ({"traded_at": NOON - timedelta(seconds=30)}, set()),
    ],
)
async def test_trades_of_the_symbol_that_name_no_order_of_ours_may_be_of_it(
    changes: dict[str, Any], others: set[str]
) -> None:
    assert await found(Account(None, a_trade(**changes)), ORDER) == Absent(frozenset(others))


LAST = NOON + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("trades", "traded_at"),
    [
        ([a_trade(1, quantity=Decimal(20), quote_quantity=Decimal(40), traded_at=LAST)], LAST),
        ([], None),
        ([a_trade(1, quantity=Decimal(20), quote_quantity=Decimal(40), traded_at=None)], None),
        ([a_trade(1, quantity=Decimal(20), quote_quantity=Decimal(40), traded_at=LAST + timedelta(days=9))], ...),
    ],
    ids=["told", "no trades", "not told", "ahead"],
)
async def test_a_fill_carries_the_time_of_its_last_trade(trades: list[TradeReport], traded_at: Any) -> None:
    """Never one that is ahead of the exchange's time."""
    early = a_trade(2, quantity=Decimal(30), quote_quantity=Decimal(60), traded_at=NOON if trades else None)
    found = await OrderLookup(Account(a_report(), early, *trades), lambda: NOW_MS, fee_max=WORST_FEE).find(
        ORDER, EVERY_WAY, has_ended=False
    )
    expected = NOON + timedelta(seconds=5) if traded_at is ... else traded_at

    assert isinstance(found, Ended | Untold)
    assert found.fill is not None
    assert found.fill.traded_at == (expected or (NOON if trades else None))
