"""M20: what orders are reckoned with, so that no fee takes a purchase over its limit."""

from decimal import Decimal
from typing import Any

import pytest

from executor.decisions.limits import net_of_fee
from executor.decisions.order_corrections import cut_to_money
from executor.market_data.symbol_rules import SymbolRules
from executor.model.fill import Fill
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.pricing.taker_fees import LATELY_SECONDS, TakerFees
from executor.reconciliation.fee_charges import FeeCharges
from executor.settings import ExecutorSettings
from shared.events import Mode, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from tests.support.data.builders import a_listing, an_order
from tests.support.data.order_requests import RULES, bought, capped, spending

SET = Decimal("0.0005")


def ruled(fee: str) -> TradingRules:
    return TradingRules(taker_fee=Decimal(fee))


def a_fill(fee: str, asset: str = "USDT", cost: str = "100") -> Fill:
    return Fill(Decimal(50), Decimal(cost), Decimal(fee), asset, complete=True)


@pytest.mark.parametrize(
    ("told", "expected"), [("0.002", "0.002"), ("0", "0.0005"), ("-1", "0.0005"), ("50", "0.0005")]
)
def test_the_higher_of_what_is_set_and_what_the_rules_tell_counts_and_no_figure_that_can_be_no_fee(
    told: str, expected: str
) -> None:
    assert TakerFees().of(ruled(told), SET) == Decimal(expected)


@pytest.mark.parametrize("fee", ["0", "0.0005", "0.002", "0.1"])
@pytest.mark.parametrize("settings", [{}, {"order_usdt": "60"}, {"entry": "market"}])
def test_a_purchase_that_is_filled_at_its_cap_costs_no_more_than_its_money_whatever_the_rules_say_of_the_fee(
    fee: str, settings: dict[str, Any]
) -> None:
    request = bought(rules=RULES.model_copy(update={"taker_fee": Decimal(fee)}), **settings)

    assert isinstance(request, OrderRequest)
    spent = request.quote_order_qty or (request.price or 0) * (request.quantity or 0)
    assert spent * (1 + Decimal(fee)) <= Decimal(100)


def test_where_no_rules_tell_the_highest_fee_of_late_counts() -> None:
    now = [0.0]
    fees = TakerFees(lambda: now[0])

    for told in ("0.001", "0.002", "0.0015"):
        fees.of(ruled(told), SET)

    assert (fees.of(None, SET), fees.of(TradingRules(), SET)) == (Decimal("0.002"), Decimal("0.002"))
    assert fees.of(ruled("0.0005"), SET) == SET
    now[0] = LATELY_SECONDS + 1
    fees.of(ruled("0.003"), SET)
    assert fees.of(None, SET) == Decimal("0.003")


def test_a_fill_that_is_charged_more_raises_what_is_reckoned_with_and_is_told_once() -> None:
    alarms: list[tuple[str, str]] = []
    known = SymbolRules(300)
    charges = FeeCharges(known, ExecutorSettings(), lambda source, what: alarms.append((source, what)))
    order = an_order(listing=a_listing(rules=ruled("0.0005")), mode=Mode.LIVE)

    for fill in (a_fill("0.05"), a_fill("0.2"), a_fill("0.2"), a_fill("0.3", "ABC")):
        charges.check(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=fill))

    [raised] = [what for source, what in alarms if source == "taker fee" and what]
    assert "a fee of 0.2000 % where 0.0500 % was reckoned with" in raised
    assert alarms[-1][1] == raised
    assert known.fees.of(ruled("0.0005"), SET) == known.fees.of(None, SET) == Decimal("0.002")


@pytest.mark.parametrize(
    ("mode", "update"),
    [
        (
            Mode.LIVE,
            OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("0.2"), why=Refusal(Reason.FEE_ASSUMED, "1 trades")),
        ),
        (
            Mode.LIVE,
            OrderUpdate(
                OrderEvent.FOUND_FILLED, fill=a_fill("0.2"), why=Refusal(Reason.SETTLED_BY_HAND, "a person: seen")
            ),
        ),
        (Mode.LIVE, OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("0.01", cost="0.9"))),
        (Mode.DRY_RUN, OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("0.2"))),
        (Mode.LIVE, OrderUpdate(OrderEvent.FOUND_UNFILLED)),
    ],
)
def test_a_fee_that_the_exchange_did_not_charge_or_only_rounded_proves_nothing(mode: Mode, update: OrderUpdate) -> None:
    alarms: list[str] = []
    known = SymbolRules(300)

    FeeCharges(known, ExecutorSettings(), lambda _, what: alarms.append(what)).check(an_order(mode=mode), update)

    assert not any(alarms)
    assert known.fees.of(None, SET) == SET


def test_a_fee_that_was_charged_counts_for_a_day_from_the_last_time_and_then_the_alarm_ends() -> None:
    now, alarms = [0.0], [""]
    known = SymbolRules(300, lambda: now[0])
    charges = FeeCharges(known, ExecutorSettings(), lambda _, what: alarms.append(what))
    order, reckoned = an_order(mode=Mode.LIVE), []

    for at, fee in ((0.0, "0.2"), (LATELY_SECONDS / 2, "0.2"), (LATELY_SECONDS * 1.4, "0.05")):
        now[0] = at
        charges.check(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill(fee)))
        reckoned.append((known.fees.of(None, SET), bool(alarms[-1])))
    now[0] = LATELY_SECONDS * 1.5 + 1
    reckoned.append((known.fees.of(None, SET), bool(alarms[-1])))
    charges.check(order, OrderUpdate(OrderEvent.FOUND_UNFILLED))

    assert reckoned == [(Decimal("0.002"), True)] * 3 + [(SET, True)]
    assert alarms[-1] == ""


def test_the_highest_fee_that_rules_told_counts_for_a_day_from_the_last_time() -> None:
    now, found = [0.0], []
    fees = TakerFees(lambda: now[0])

    for at, told in ((0.0, "0.002"), (LATELY_SECONDS / 2, "0.002"), (LATELY_SECONDS * 1.4, "0.001")):
        now[0] = at
        fees.of(ruled(told), SET)
        found.append(fees.of(None, SET))
    now[0] = LATELY_SECONDS * 1.5 + 1

    assert [*found, fees.of(None, SET)] == [Decimal("0.002")] * 3 + [SET]


def test_a_request_is_cut_to_what_a_fee_leaves_that_turned_out_to_be_higher() -> None:
    money = net_of_fee(Decimal(100), Decimal("0.002"))

    assert cut_to_money(capped("47.59", "2.1000"), money, RULES) == capped("47.52", "2.1000")
    assert cut_to_money(spending("99.95"), money, None) == spending("99.80")
    assert cut_to_money(capped("1", "2"), money, None) == capped("1", "2")


@pytest.mark.parametrize(
    ("request_", "money", "rules", "expected"),
    [
        (capped("47.59", "2.1"), "99.80", {"base_quantity_step": Decimal("0.5")}, capped("47.5", "2.1")),
        (capped("3", "45"), "99.80", {"base_quantity_step": Decimal(3)}, "0.01 of the coin"),
        (capped("1", "99.95"), "99.80", {"base_precision": 0, "base_quantity_min": None}, "1 of the coin"),
        (capped("3", "0.4"), "0.9", {}, "1 of the quote asset"),
        (spending("99.95"), "4", {}, "5 of the quote asset"),
    ],
)
def test_what_is_left_of_a_request_is_what_the_exchange_takes_or_none(
    request_: OrderRequest, money: str, rules: dict[str, Any], expected: OrderRequest | str
) -> None:
    found = cut_to_money(request_, Decimal(money), RULES.model_copy(update=rules))

    if isinstance(expected, str):
        assert found == Refusal(Reason.BELOW_MINIMUM, expected)
    else:
        assert found == expected
