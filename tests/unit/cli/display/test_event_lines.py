"""Listings and trades as lines of words."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.schemas import ListingRow, TradeRow
from cli.display.event_lines import REASONS, SALE_REASONS, TradeTally, line
from cli.display.results import Result
from executor.model.reasons import Reason
from shared.events import Mode, Side, TradeStatus
from tests.support.data.builders import NOON
from tests.unit.cli.test_watch_lines import LISTING, TRADE

GAIN = Result(cost=Decimal(80), received=Decimal(100))
LOSS = Result(cost=Decimal(100), received=Decimal("57.7"))


def a_trade(side: Side = Side.BUY, **fields: Any) -> TradeRow:
    return TRADE.model_copy(update={"side": side, "average_price": Decimal("0.0012345678"), **fields})


def shown(row: ListingRow | TradeRow, result: Result | None = None) -> str:
    return line(row, result, NOON).plain


def test_a_listing_says_who_saw_it() -> None:
    assert shown(LISTING) == "12:00:00  listed   ABCUSDT        seen by websocket"


def test_a_listing_that_opens_later_counts_down() -> None:
    later = LISTING.model_copy(update={"opens_at": NOON + timedelta(seconds=34)})

    assert shown(later) == "12:00:00  listed   ABCUSDT        opens in 34 s, at 12:00:34 UTC, seen by websocket"


def test_a_listing_that_is_not_traded_says_why() -> None:
    leveraged = LISTING.model_copy(update={"tradable": False, "not_tradable_reason": "leveraged token"})

    assert shown(leveraged).endswith("seen by websocket, not to be traded: leveraged token")


def test_a_purchase_says_what_it_cost_and_how_fast_it_was() -> None:
    assert shown(a_trade()) == ("12:00:00  bought   ABCUSDT        100.00 USDT at 0.00123457, 7 ms after the decision")


def test_a_purchase_that_waits_says_for_what() -> None:
    assert shown(a_trade(status=TradeStatus.PENDING)).endswith("to be bought once it opens")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (GAIN, "+25.0 %  100.00 USDT at 0.00123457, take profit"),
        (LOSS, "−42.3 %  100.00 USDT at 0.00123457, take profit"),
        (None, "100.00 USDT at 0.00123457, take profit"),
    ],
)
def test_a_sale_says_what_it_brought_and_why(result: Result | None, words: str) -> None:
    assert shown(a_trade(Side.SELL, exit_reason="take_profit"), result) == f"12:00:00  sold     ABCUSDT        {words}"


def test_a_sale_that_failed_is_no_refusal() -> None:
    row = a_trade(Side.SELL, exit_reason="stop_loss", status=TradeStatus.REJECTED, error_reason="not_open: status 2")

    words = "stop loss, to be tried again: it does not trade (not_open): status 2"
    assert shown(row) == f"12:00:00  unsold   ABCUSDT        {words}"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("filtered: leveraged token", "of a kind that is not traded (filtered): leveraged token"),
        ("max_position", "as much is held as may be (max_position)"),
        ("base_asset_held", "base asset held"),
        ("spread: 9.1 %", "spread: 9.1 %"),
        (None, ""),
    ],
)
def test_a_refusal_says_why_in_words_and_by_its_code(reason: str | None, words: str) -> None:
    refused = a_trade(status=TradeStatus.REJECTED, error_reason=reason)

    assert shown(refused) == f"12:00:00  refused  ABCUSDT        {words}"


def test_words_are_there_for_reasons_that_exist() -> None:
    assert {*REASONS, *SALE_REASONS} <= set(Reason)


def test_what_is_live_says_so() -> None:
    assert shown(a_trade(mode=Mode.LIVE)).endswith("  live")


def test_markup_in_names_and_reasons_is_text() -> None:
    row = a_trade(status=TradeStatus.FAILED, error_reason="[red]boom[/]")

    assert shown(row).endswith("failed   ABCUSDT        [red]boom[/]")


def test_everything_is_counted_once() -> None:
    tally = TradeTally()
    for row, result in (
        (LISTING, None),
        (a_trade(status=TradeStatus.PENDING), None),
        (a_trade(), None),
        (a_trade(status=TradeStatus.REJECTED), None),
        (a_trade(status=TradeStatus.FAILED), None),
        (a_trade(Side.SELL, status=TradeStatus.REJECTED), None),
        (a_trade(Side.SELL), None),
        (a_trade(Side.SELL), GAIN),
        (a_trade(Side.SELL), LOSS),
    ):
        tally.count(row, result)

    assert tally == TradeTally(bought=1, refused=2, sold=2, gain=Decimal("-22.3"))
