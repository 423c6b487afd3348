"""Bounds of exits, and what of the configuration and of a position's own exits counts."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.control.exit_policy import (
    FIELDS,
    NO_EXITS,
    ExitOverrides,
    ExitPolicy,
    LadderStep,
    contradiction,
    effective_policy,
)
from tests.support.data.strategies import json_values, steady

CONFIGURED = ExitPolicy(take_profit_pct=Decimal(50), stop_loss_pct=Decimal(15), holding_seconds_max=3600)


def own(**exits: Any) -> ExitOverrides:
    return ExitOverrides.model_validate(exits)


def test_what_is_set_for_a_position_stands_in_for_the_configuration_and_nothing_else_does() -> None:
    assert own().over(CONFIGURED) == CONFIGURED
    assert own(stop_loss_pct=5).over(CONFIGURED) == CONFIGURED.model_copy(update={"stop_loss_pct": Decimal(5)})
    assert own(stop_loss_pct=None).over(CONFIGURED).stop_loss_pct is None


def test_a_ladder_ends_below_the_price_at_which_all_is_sold() -> None:
    steps = (LadderStep(at_pct=Decimal(30), sell_pct=Decimal(50)), LadderStep(at_pct=Decimal(50), sell_pct=Decimal(1)))

    assert contradiction(CONFIGURED.model_copy(update={"take_profit_ladder": steps[:1]})) is None
    assert contradiction(ExitPolicy(take_profit_ladder=steps)) is None
    found = contradiction(CONFIGURED.model_copy(update={"take_profit_ladder": steps}))
    assert found is not None
    assert found[0] == "take_profit_ladder.1.at_pct"


def document(policy: ExitPolicy) -> dict[str, Any]:
    return policy.model_dump(mode="json")


def test_what_cannot_be_read_is_named_and_the_other_exits_hold() -> None:
    configured = document(CONFIGURED) | {"take_profit_ladder": [{"at_pct": 1, "sell_pct": 1, "of": "what is left"}]}

    policy, unreadable = effective_policy(configured, {"stop_loss_pct": "much", "breakeven_pct": 3})

    assert policy == CONFIGURED
    assert unreadable == ["breakeven_pct", "stop_loss_pct", "take_profit_ladder"]


def test_without_a_configuration_nothing_is_sold_by_itself() -> None:
    assert effective_policy(dict.fromkeys(FIELDS), {}) == (NO_EXITS, ())


@steady
@given(st.dictionaries(st.sampled_from(FIELDS), json_values), st.dictionaries(st.text(max_size=5), json_values))
def test_no_row_makes_reading_fail_or_hides_the_stop_that_is_configured(
    mine: dict[str, Any], unknown: dict[str, Any]
) -> None:
    policy, unreadable = effective_policy(document(CONFIGURED), {**mine, **unknown})

    assert set(unknown) - set(FIELDS) <= set(unreadable)
    if "stop_loss_pct" not in mine or "stop_loss_pct" in unreadable:
        assert policy.stop_loss_pct == 15


@steady
@given(json_values)
def test_no_ladder_sells_more_than_everything_or_goes_down(value: Any) -> None:
    try:
        policy = ExitPolicy.model_validate({"take_profit_ladder": value})
    except ValidationError:
        return
    steps = policy.take_profit_ladder
    assert sum(step.sell_pct for step in steps) <= 100
    assert [step.at_pct for step in steps] == sorted({step.at_pct for step in steps})
