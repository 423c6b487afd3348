from datetime import datetime, timedelta

import pytest

from executor.decisions.freshness import KnownOpenings
from executor.model.order import Order
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.sending.presend_check import PresendCheck
from executor.settings import ExecutorSettings
from shared.events import AppliedConfig, Mode, Side
from tests.support.data.builders import NOON, a_listing, an_order

ORDER = an_order(send_until=NOON)


class Halts:
    def __init__(self, buys: str = "", exits: str = "", live: str = "") -> None:
        self._buys, self._exits, self._live = buys, exits, live
        self.config_changed_at = NOON + timedelta(seconds=1)

    def buys_halted(self, mode: Mode) -> str:
        return self._buys and f"{self._buys} in {mode}"

    def exits_halted(self) -> str:
        return self._exits

    def live_ended(self, decided_by: AppliedConfig, now: datetime) -> str:
        assert (decided_by, now) == (ORDER.config, NOON)
        return self._live


def a_gate(halts: Halts, now: datetime = NOON, openings: KnownOpenings | None = None) -> PresendCheck:
    return PresendCheck(halts, openings or KnownOpenings(), ExecutorSettings(), now=lambda: now)


def test_an_order_in_time_passes_up_to_its_last_moment() -> None:
    assert a_gate(Halts()).objection(ORDER) is None


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (ORDER, Reason.STALE_LISTING),
        (an_order(send_until=NOON, fire_at=NOON), Reason.OPENING_PASSED),
        (an_order(send_until=NOON, attempt=2, attempt_id="another"), Reason.NOT_FILLED),
        (an_order(send_until=NOON, side=Side.SELL), Reason.TOO_LATE),
    ],
)
def test_an_order_past_its_time_lapses(order: Order, reason: Reason) -> None:
    late = a_gate(Halts(), NOON + timedelta(microseconds=1))

    assert late.objection(order) == OrderUpdate(OrderEvent.LAPSED, Refusal(reason))


@pytest.mark.parametrize("mode", Mode)
def test_a_halt_of_purchases_stops_them_and_no_sale(mode: Mode) -> None:
    gate = a_gate(Halts(buys="drill"))

    assert gate.objection(an_order(mode=mode)) == OrderUpdate(
        OrderEvent.DENIED, Refusal(Reason.HALTED, f"drill in {mode}")
    )
    assert gate.objection(an_order(mode=mode, side=Side.SELL)) is None


def test_a_halt_of_sales_stops_them() -> None:
    gate = a_gate(Halts(exits="all"))

    assert gate.objection(an_order(side=Side.SELL)) == OrderUpdate(OrderEvent.DENIED, Refusal(Reason.HALTED, "all"))
    assert gate.objection(an_order()) is None


def test_a_halt_is_told_before_lateness() -> None:
    found = a_gate(Halts(buys="drill"), NOON + timedelta(hours=1)).objection(ORDER)

    assert found is not None
    assert found.event is OrderEvent.DENIED


@pytest.mark.parametrize(
    ("mode", "side", "refused"),
    [(Mode.LIVE, Side.BUY, True), (Mode.LIVE, Side.SELL, False), (Mode.DRY_RUN, Side.BUY, False)],
)
def test_no_live_purchase_is_sent_once_live_trading_has_ended(mode: Mode, side: Side, refused: bool) -> None:
    objection = a_gate(Halts(live="auto_trade is off")).objection(an_order(mode=mode, side=side))

    expected = OrderUpdate(OrderEvent.DENIED, Refusal(Reason.NOT_LIVE, "auto_trade is off"))
    assert objection == (expected if refused else None)


def test_a_coin_that_turned_out_to_be_old_since_its_request_was_made_is_not_bought_and_may_be_sold() -> None:
    openings = KnownOpenings()
    gate = a_gate(Halts(), openings=openings)

    before = gate.objection(an_order())
    openings.learn("ABCUSDT", NOON - timedelta(days=730))

    assert before is None
    assert gate.objection(an_order()) == OrderUpdate(
        OrderEvent.DENIED, Refusal(Reason.STALE_LISTING, "it opened on 2024-03-02")
    )
    assert gate.objection(an_order(side=Side.SELL)) is None
    for told in ({"opens_at": NOON}, {"occurrence": 2}):
        assert gate.objection(an_order(listing=a_listing(**told))) is None
