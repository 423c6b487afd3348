from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.schemas import OrderRow, PositionRow
from cli.display.money_tables import amount_of, position_state, state_of
from shared.events import Side
from tests.support.data.builders import NOON


def an_order(**overrides: Any) -> OrderRow:
    described = {"side": Side.BUY, "state": "acknowledged", "quote_qty": Decimal(100), "base_qty": None, "misses": 0}
    more = {"client_order_id": "a-1", "fire_at": None, "attention": None}
    return OrderRow.model_construct(**{**described, **more, **overrides})


def a_position(**overrides: Any) -> PositionRow:
    described = {"state": "open", "note": "", "result_usdt": None, "result_pct": None, "fees_unknown": None}
    return PositionRow.model_construct(**{**described, "close_requested_at": None, **overrides})


@pytest.mark.parametrize(
    ("overrides", "amount"),
    [
        ({}, "100 USDT"),
        ({"quote_qty": Decimal(0)}, ""),
        ({"side": Side.SELL}, "all"),
        ({"side": Side.SELL, "base_qty": Decimal("0.5")}, "0.5"),
    ],
)
def test_amount_of_an_order_is_in_its_own_unit(overrides: dict[str, Any], amount: str) -> None:
    assert amount_of(an_order(**overrides)) == amount


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ({}, "acknowledged (a-1)"),
        ({"state": "sending"}, "sending"),
        ({"state": "armed", "fire_at": NOON}, "armed for 2026-03-02 12:00:00 UTC"),
        ({"state": "unknown", "misses": 2}, "unknown, looked for and not found 2 times (a-1)"),
        ({"attention": "look at it"}, "acknowledged; a-1 needs a person: look at it"),
    ],
)
def test_state_of_an_order_says_what_it_waits_for(overrides: dict[str, Any], state: str) -> None:
    assert state_of(an_order(**overrides)) == state


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ({}, "open"),
        ({"state": "unsellable", "note": "no bids"}, "unsellable: no bids"),
        ({"close_requested_at": NOON + timedelta(minutes=1)}, "open, to be sold since 03-02 12:01:00"),
        (
            {"state": "closed", "result_usdt": Decimal(-3), "result_pct": Decimal("-1.5"), "fees_unknown": True},
            "closed: -3.00 USDT (-1.50 %), less fees of unknown value",
        ),
    ],
)
def test_state_of_a_position_has_its_result_or_its_next_step(overrides: dict[str, Any], state: str) -> None:
    assert position_state(a_position(**overrides)) == state
