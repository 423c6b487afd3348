from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.controls import REASON_CHARACTERS_MAX, Controls, RefusedChangeError, changed, halted, resumed
from tests.strategies import json_values, steady

SEED = Controls(
    max_trade_usdt=Decimal(100),
    max_position_usdt=Decimal(1000),
    auto_trade=False,
    halted=False,
    exits_halted=False,
    halted_reason="",
)
WITHIN_COLUMN = Decimal("9999999999.99")


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
        ({"max_trade": "5"}, "max_trade: is not one of max_trade_usdt, max_position_usdt, auto_trade"),
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


@steady
@given(st.dictionaries(st.sampled_from(["max_trade_usdt", "max_position_usdt", "auto_trade"]), values))
def test_no_change_leaves_limits_that_the_database_would_refuse(changes: dict[str, Any]) -> None:
    try:
        after = changed(SEED, changes)
    except RefusedChangeError:
        return

    assert 0 < after.max_trade_usdt <= after.max_position_usdt <= WITHIN_COLUMN
    assert after.max_trade_usdt == round(after.max_trade_usdt, 2)
    assert after.max_position_usdt == round(after.max_position_usdt, 2)


def test_a_halt_keeps_its_reason_until_trading_resumes() -> None:
    stopped = halted(SEED, "fat finger")

    assert (stopped.halted, stopped.halted_reason) == (True, "fat finger")
    assert resumed(stopped) == SEED


@pytest.mark.parametrize(("exits", "stopped"), [((False,), False), ((True,), True), ((True, False), True)])
def test_sales_stop_when_that_is_asked_for_and_no_later_halt_starts_them_again(
    exits: tuple[bool, ...], stopped: bool
) -> None:
    after = SEED
    for each in exits:
        after = halted(after, "fat finger", exits=each)

    assert (after.halted, after.exits_halted) == (True, stopped)
    assert resumed(after) == SEED


def test_a_change_of_limits_does_not_end_a_halt() -> None:
    assert changed(halted(SEED, "fat finger"), {"max_trade_usdt": "5"}).halted


@pytest.mark.parametrize("reason", ["x" * (REASON_CHARACTERS_MAX + 1), "a\x00b"])
def test_a_reason_that_cannot_be_kept_is_refused(reason: str) -> None:
    with pytest.raises(RefusedChangeError, match=r"^halted_reason: "):
        halted(SEED, reason)
