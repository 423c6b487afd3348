from decimal import Decimal
from typing import Any

import pytest

from api.reading.decisions import decision_of
from api.reading.reason_texts import REASONS, code_of, reason_text
from api.schemas import TradeRow
from executor.model.reasons import Reason
from executor.settings import ExecutorSettings
from shared.events import AppliedConfig
from tests.support.data.builders import NOON


def a_trade(**overrides: Any) -> TradeRow:
    described = dict.fromkeys(TradeRow.model_fields) | {
        "id": 1,
        "symbol": "ABCUSDT",
        "side": "BUY",
        "quote_qty": Decimal("95.24"),
        "latency_ms": 0,
        "mode": "dry-run",
        "status": "rejected",
        "created_at": NOON,
        "config": {"max_trade_usdt": "100.00", "max_position_usdt": "1000.00", "auto_trade": False},
    }
    return TradeRow.model_validate(described | overrides)


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)


def test_every_limit_that_is_named_is_one() -> None:
    named = {limit for words in REASONS.values() for limit in words.limits}

    assert named <= set(AppliedConfig.model_fields) | set(ExecutorSettings.model_fields)


@pytest.mark.parametrize("words", REASONS.values())
def test_words_go_into_a_sentence(words: Any) -> None:
    assert words.sentence[0].islower()
    assert not words.sentence.endswith(".")


def test_a_code_of_a_newer_version_is_no_failure() -> None:
    assert "no words" in reason_text("brand_new").sentence


@pytest.mark.parametrize(
    ("error_reason", "expected"),
    [
        (None, ("", "")),
        ("max_position", ("max_position", "")),
        ("halted: operator: lunch: long", ("halted", "operator: lunch: long")),
    ],
)
def test_a_reason_is_its_code_and_a_detail(error_reason: str | None, expected: tuple[str, str]) -> None:
    assert code_of(error_reason) == expected


@pytest.mark.parametrize(
    ("trade", "words", "limits"),
    [
        (
            {"error_reason": "max_position"},
            "Not bought: it would have taken what is held beyond the limit on all positions",
            {"max_position_usdt": "1000.00"},
        ),
        ({"error_reason": "orders_per_day"}, "Not bought: too many orders on this day", {"orders_per_day": "200"}),
        ({"error_reason": "halted: operator: lunch"}, "Not bought: trading was halted (operator: lunch)", {}),
        ({"error_reason": None}, "Not bought: no reason was told", {}),
        (
            {"status": "filled", "average_price": Decimal("1E-7"), "mode": "live"},
            "Bought for 95.24 USDT at 0.0000001",
            {},
        ),
        ({"status": "filled"}, "Bought on paper for 95.24 USDT", {}),
        ({"status": "pending"}, "Not decided yet: the order waits or is under way", {}),
        (
            {"error_reason": "not_live: auto_trade is off"},
            "Not bought: only a dry run may buy it (auto_trade is off)",
            {"auto_trade": "false"},
        ),
    ],
)
def test_a_decision_is_told_in_words_with_the_limit_that_bound_it(
    trade: dict[str, Any], words: str, limits: dict[str, str]
) -> None:
    decision = decision_of(a_trade(**trade), {"orders_per_day": 200})

    assert (decision.words, decision.limits) == (words, limits)
