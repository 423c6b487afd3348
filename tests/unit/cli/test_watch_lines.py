from datetime import timedelta
from decimal import Decimal

from api.schemas import ListingRow, TradeRow
from cli.display.watch import line
from shared.events import Mode, Side, Source, TradeStatus
from tests.support.data.builders import NOON

LISTING = ListingRow(
    id=1,
    symbol="ABCUSDT",
    base_asset="ABC",
    quote_asset="USDT",
    source=Source.MEXC_WEBSOCKET,
    listed_at=NOON,
    opens_at=None,
    observed_at=NOON,
    late=False,
    tradable=True,
    not_tradable_reason="",
    listing_key="ABCUSDT:1",
    created_at=NOON,
)
TRADE = TradeRow(
    id=1,
    symbol="ABCUSDT",
    side=Side.BUY,
    quote_qty=Decimal("100.00"),
    base_qty=None,
    latency_ms=7,
    ack_latency_ms=7,
    mode=Mode.DRY_RUN,
    status=TradeStatus.FILLED,
    error_reason=None,
    exchange_order_id=None,
    created_at=NOON,
    listing_key="ABCUSDT:1",
    client_order_id=None,
    listed_at=NOON,
    config=None,
    stages=None,
    average_price=None,
    fee=None,
    fee_asset=None,
    fees=None,
    exit_reason=None,
)


def test_a_listing_is_one_line() -> None:
    assert line(LISTING).plain == "12:00:00  listing  ABCUSDT by mexc_websocket"


def test_a_listing_that_opens_later_says_when() -> None:
    later = LISTING.model_copy(update={"opens_at": NOON + timedelta(hours=1)})

    assert line(later).plain.endswith(", opens 2026-03-02 13:00:00 UTC")


def test_a_trade_is_one_line() -> None:
    assert line(TRADE).plain == "12:00:00  trade    ABCUSDT BUY 100.00 USDT dry-run filled in 7 ms"


def test_a_sale_says_why_the_position_was_closed() -> None:
    sale = TRADE.model_copy(update={"side": Side.SELL, "exit_reason": "stop_loss"})

    assert line(sale).plain.endswith("ABCUSDT SELL 100.00 USDT (stop_loss) dry-run filled in 7 ms")


def test_a_refused_trade_says_why_whatever_characters_that_takes() -> None:
    refused = TRADE.model_copy(update={"status": TradeStatus.REJECTED, "error_reason": "[red]limit[/]"})

    assert line(refused).plain.endswith("rejected in 7 ms: [red]limit[/]")
