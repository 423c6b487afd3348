from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.operator import operator_changes
from api.operator.operator_changes import (
    REASON_CHARACTERS_MAX,
    Controls,
    RefusedChangeError,
    with_halt,
    with_halt_and_sale,
    with_resume,
)
from shared.control.exit_policy import LadderStep
from tests.support.data.builders import NOON
from tests.support.data.strategies import json_values, steady

SEED = Controls(
    max_trade_usdt=Decimal(100),
    max_position_usdt=Decimal(1000),
    auto_trade=False,
    halted=False,
    exits_halted=False,
    halted_reason="",
)
WITHIN_COLUMN = Decimal("9999999999.99")
HOUR = timedelta(hours=1)


def changed(before: Controls, changes: Mapping[str, Any], *, confirmation: str | None = "live") -> Controls:
    return operator_changes.apply_changes(before, changes, confirmation=confirmation, now=NOON)


def a_ladder(*steps: tuple[object, object]) -> list[dict[str, object]]:
    return [{"at_pct": at, "sell_pct": sell} for at, sell in steps]


def refusal_of(changes: dict[str, Any]) -> str:
    with pytest.raises(RefusedChangeError) as refused:
        changed(SEED, changes)
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"max_trade_usdt": "0"}, "max_trade_usdt: Input should be greater than 0"),
        ({"max_trade_usdt": "-5"}, "max_trade_usdt: Input should be greater than 0"),
        ({"max_trade_usdt": "NaN"}, "max_trade_usdt: Input should be a finite number"),
        ({"max_trade_usdt": float("nan")}, "max_trade_usdt: Input should be a finite number"),
        ({"max_position_usdt": "Infinity"}, "max_position_usdt: Input should be a finite number"),
        ({"max_trade_usdt": "1.001"}, "max_trade_usdt: Decimal input should have no more than 2 decimal places"),
        (
            {"max_position_usdt": "1e10"},
            "max_position_usdt: Decimal input should have no more than 10 digits before the decimal point",
        ),
        ({"max_trade_usdt": "much"}, "max_trade_usdt: Input should be a valid decimal"),
        ({"max_trade_usdt": None}, "max_trade_usdt: Decimal input should be an integer, float, string"),
        ({"max_trade_usdt": "1000.01"}, "max_position_usdt: must not be less than max_trade_usdt"),
        ({"max_position_usdt": "99.99"}, "max_position_usdt: must not be less than max_trade_usdt"),
        ({"auto_trade": "perhaps"}, "auto_trade: Input should be a valid boolean"),
        ({"max_trade": "5"}, "max_trade: is not one of max_trade_usdt, max_position_usdt, auto_trade, "),
        ({"stop_loss_pct": 100}, "stop_loss_pct: Input should be less than 100"),
        ({"stop_loss_pct": "-1"}, "stop_loss_pct: Input should be greater than 0"),
        ({"trailing_stop_pct": "NaN"}, "trailing_stop_pct: Input should be a finite number"),
        ({"take_profit_pct": "1000.1"}, "take_profit_pct: Input should be less than or equal to 1000"),
        ({"take_profit_pct": "1.00001"}, "take_profit_pct: Decimal input should have no more than 4 decimal places"),
        ({"holding_seconds_max": 0}, "holding_seconds_max: Input should be greater than 0"),
        ({"holding_seconds_max": float("inf")}, "holding_seconds_max: Input should be "),
        ({"entry_slippage_pct": None}, "entry_slippage_pct: Decimal input should be an integer, float, string"),
        ({"daily_loss_usdt_max": "0.001"}, "daily_loss_usdt_max: Decimal input should have no more than 2 decimal"),
        ({"take_profit_ladder": a_ladder((30, 0))}, "take_profit_ladder.0.sell_pct: Input should be greater than 0"),
        ({"take_profit_ladder": a_ladder((30, 50), (30, 1))}, "take_profit_ladder: 1.at_pct must be above"),
        ({"take_profit_ladder": a_ladder((30, 60), (40, 41))}, "take_profit_ladder: the sell_pct of all steps"),
        ({"take_profit_ladder": a_ladder((30, 50)) * 11}, "take_profit_ladder: Tuple should have at most 10 items"),
        ({"take_profit_ladder": [{"at_pct": 1, "sell_pct": 1, "x": 1}]}, "take_profit_ladder.0.x: Extra inputs are"),
        (
            {"take_profit_pct": 40, "take_profit_ladder": a_ladder((30, 50), (40, 10))},
            "take_profit_ladder.1.at_pct: must be below take_profit_pct",
        ),
        ({"auto_trade_until": NOON + HOUR}, "auto_trade_until: is for while auto_trade is on"),
        ({"auto_trade": True, "auto_trade_until": NOON}, "auto_trade_until: is past: it is 2026-03-02 12:00:00 UTC"),
        ({"auto_trade": True, "auto_trade_until": "2026-03-03T00:00"}, "auto_trade_until: Input should have timezone"),
        ({"halted": "false"}, "halted: is not one of"),
        ({}, "nothing to change"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_by_field(changes: dict[str, Any], refusal: str) -> None:
    assert refusal_of(changes).startswith(refusal)


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"max_trade_usdt": "0.01"}, {"max_trade_usdt": Decimal("0.01")}),
        ({"max_trade_usdt": "1000"}, {"max_trade_usdt": Decimal(1000)}),
        ({"max_position_usdt": str(WITHIN_COLUMN)}, {"max_position_usdt": WITHIN_COLUMN}),
        ({"auto_trade": "on"}, {"auto_trade": True}),
        (
            {"max_trade_usdt": "2000", "max_position_usdt": "3000"},
            {"max_trade_usdt": Decimal(2000), "max_position_usdt": Decimal(3000)},
        ),
    ],
)
def test_a_change_within_the_rules_touches_nothing_else(changes: dict[str, Any], after: dict[str, Any]) -> None:
    assert changed(SEED, changes) == SEED.model_copy(update=after)


values = json_values | st.decimals() | st.floats() | st.decimals(0, 2000, places=2).map(str)


def test_switching_live_trading_on_needs_a_word_of_its_own() -> None:
    for confirmation in (None, "", "yes", "LIVE"):
        with pytest.raises(RefusedChangeError, match=r'^confirm: must be "live"'):
            changed(SEED, {"auto_trade": True}, confirmation=confirmation)
    armed = changed(SEED, {"auto_trade": True})

    assert changed(armed, {"auto_trade": True, "max_trade_usdt": 5}, confirmation=None).auto_trade
    assert not changed(armed, {"auto_trade": False}, confirmation=None).auto_trade


@pytest.mark.parametrize(
    ("until", "later", "needed"),
    [
        (NOON + HOUR, NOON + 2 * HOUR, True),
        (NOON + HOUR, None, True),
        (NOON + 2 * HOUR, NOON + HOUR, False),
        (None, NOON + HOUR, False),
    ],
)
def test_to_trade_live_for_longer_needs_the_same(until: datetime | None, later: datetime | None, needed: bool) -> None:
    armed = changed(SEED, {"auto_trade": True, "auto_trade_until": until})

    def change(confirmation: str | None) -> Controls:
        return changed(armed, {"auto_trade_until": later}, confirmation=confirmation)

    assert change("live").auto_trade_until == later
    if needed:
        with pytest.raises(RefusedChangeError, match=r"^confirm: "):
            change(None)
    else:
        assert change(None).auto_trade_until == later


def test_the_end_of_one_live_trading_is_not_that_of_the_next() -> None:
    armed = changed(SEED, {"auto_trade": True, "auto_trade_until": NOON + HOUR})
    off = changed(armed, {"auto_trade": False})

    assert changed(armed, {"max_trade_usdt": 5}).auto_trade_until == NOON + HOUR
    assert (off.auto_trade, off.auto_trade_until) == (False, None)
    assert changed(off, {"auto_trade": True}).auto_trade_until is None


def test_exits_are_changed_one_by_one_and_can_be_taken_away() -> None:
    chosen = changed(SEED, {"stop_loss_pct": "15", "take_profit_ladder": a_ladder((30, "50"), ("60.5", 25))})

    assert chosen.take_profit_ladder == (
        LadderStep(at_pct=Decimal(30), sell_pct=Decimal(50)),
        LadderStep(at_pct=Decimal("60.5"), sell_pct=Decimal(25)),
    )
    assert changed(chosen, {"stop_loss_pct": None, "take_profit_ladder": []}) == SEED


def test_selling_everything_halts_and_lets_sales_go_on_until_trading_resumes() -> None:
    stopped = with_halt(SEED, "fat finger", exits=True)
    selling = with_halt_and_sale(stopped, "get out")

    assert (selling.halted, selling.exits_halted, selling.selling_all) == (True, False, True)
    assert with_halt(selling, "still").selling_all
    assert with_resume(selling) == SEED


def test_who_stops_sales_stops_the_sale_of_everything() -> None:
    stopped = with_halt(with_halt_and_sale(SEED, "get out"), "not now", exits=True)

    assert (stopped.halted, stopped.exits_halted, stopped.selling_all) == (True, True, False)


def test_a_halt_does_not_fail_over_what_is_wrong_beside_it() -> None:
    broken = SEED.model_copy(update={"max_trade_usdt": Decimal(-1)})

    assert with_halt(broken, "fat finger").halted
    assert with_halt_and_sale(broken, "get out").selling_all


CHANGEABLE = st.sampled_from(sorted(operator_changes.CHANGEABLE))


@steady
@given(st.dictionaries(CHANGEABLE, values))
def test_no_change_leaves_limits_that_the_database_would_refuse(changes: dict[str, Any]) -> None:
    try:
        after = changed(SEED, changes)
    except RefusedChangeError:
        return

    assert 0 < after.max_trade_usdt <= after.max_position_usdt <= WITHIN_COLUMN
    assert after.max_trade_usdt == round(after.max_trade_usdt, 2)
    assert after.max_position_usdt == round(after.max_position_usdt, 2)
    assert after.auto_trade or after.auto_trade_until is None
    for share in (after.stop_loss_pct, after.trailing_stop_pct):
        assert share is None or 0 < share < 100
    for percent in (after.take_profit_pct, after.trailing_activation_pct, after.entry_slippage_pct):
        assert percent is None or 0 < percent <= 1000
    assert sum(step.sell_pct for step in after.take_profit_ladder) <= 100


def test_a_halt_keeps_its_reason_until_trading_resumes() -> None:
    stopped = with_halt(SEED, "fat finger")

    assert (stopped.halted, stopped.halted_reason) == (True, "fat finger")
    assert with_resume(stopped) == SEED


@pytest.mark.parametrize(("exits", "stopped"), [((False,), False), ((True,), True), ((True, False), True)])
def test_sales_stop_when_that_is_asked_for_and_no_later_halt_starts_them_again(
    exits: tuple[bool, ...], stopped: bool
) -> None:
    after = SEED
    for each in exits:
        after = with_halt(after, "fat finger", exits=each)

    assert (after.halted, after.exits_halted) == (True, stopped)
    assert with_resume(after) == SEED


def test_a_change_of_limits_does_not_end_a_halt() -> None:
    assert changed(with_halt(SEED, "fat finger"), {"max_trade_usdt": "5"}).halted


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("x" * (REASON_CHARACTERS_MAX + 1), "x" * REASON_CHARACTERS_MAX),
        ("a\x00b\x1b[31m\x7f", "ab[31m"),
        ("\x00" * 500 + "odd", "odd"),
        ("fat\nfinger", "fat finger"),
        ("half \ud800", "half "),
        ("zażółć 🦊", "zażółć 🦊"),
    ],
)
def test_a_stop_keeps_what_can_be_kept_of_its_reason(reason: str, kept: str) -> None:
    assert with_halt(SEED, reason).halted_reason == kept
    assert with_halt_and_sale(SEED, reason).halted_reason == kept
