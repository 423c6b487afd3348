import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Side
from shared.mexc.http.signing import sign
from shared.mexc.orders.order_api import (
    Answer,
    MayWrite,
    MexcTrading,
    OrderRequest,
    SignedOrder,
    always,
    order_params,
    plain,
)

KEY, SECRET = "mx0-canary-key", "canary-secret"
MARKET_BUY = OrderRequest(
    symbol="NEWUSDT", side=Side.BUY, type="MARKET", client_order_id="abc-1", quote_order_qty=Decimal("12.50")
)
LIMIT_BUY = OrderRequest(
    symbol="NEWUSDT",
    side=Side.BUY,
    type="IMMEDIATE_OR_CANCEL",
    client_order_id="abc-1",
    quantity=Decimal("1E+3"),
    price=Decimal("1E-8"),
    recv_window_ms=1500,
)
NOW_MS = 1_700_000_000_000


class RecordingTransport:
    def __init__(self) -> None:
        self.posts: list[tuple[str, str, dict[str, str]]] = []
        self.asked: list[MayWrite] = []

    async def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Answer:
        self.posts.append((signed.path, signed.query, dict(signed.headers)))
        self.asked.append(may_write)
        return Answer(200, {}, b"{}", datetime.now(UTC), 0.0)


async def test_order_is_only_tested_and_everything_travels_in_the_query() -> None:
    transport = RecordingTransport()
    await MexcTrading(transport, api_key=KEY, api_secret=SECRET).test_order(LIMIT_BUY, now_ms=NOW_MS)

    [(path, query, headers)] = transport.posts
    assert path == "/api/v3/order/test"
    assert headers == {"X-MEXC-APIKEY": KEY, "Content-Type": "application/json"}
    unsigned, _, signature = query.rpartition("&signature=")
    assert signature == sign(SECRET, unsigned)
    assert dict(parse_qsl(unsigned)) == {
        "symbol": "NEWUSDT",
        "side": "BUY",
        "type": "IMMEDIATE_OR_CANCEL",
        "quantity": "1000",
        "price": "0.00000001",
        "newClientOrderId": "abc-1",
        "recvWindow": "1500",
        "timestamp": str(NOW_MS),
    }


async def test_order_is_placed_by_the_very_request_that_was_signed_ahead_of_it() -> None:
    transport = RecordingTransport()
    trading = MexcTrading(transport, api_key=KEY, api_secret=SECRET)

    signed = trading.sign(LIMIT_BUY, now_ms=NOW_MS)
    before = list(transport.posts)
    await trading.post(signed, may_write=(may_write := lambda: True))

    assert before == []
    [(path, query, headers)] = transport.posts
    assert (path, query) == ("/api/v3/order", signed.query)
    assert headers["X-MEXC-APIKEY"] == KEY
    assert transport.asked == [may_write]


async def test_placing_and_testing_an_order_differ_in_the_path_alone() -> None:
    transport = RecordingTransport()
    trading = MexcTrading(transport, api_key=KEY, api_secret=SECRET)

    await trading.post(trading.sign(LIMIT_BUY, now_ms=NOW_MS))
    await trading.test_order(LIMIT_BUY, now_ms=NOW_MS)

    [placed, tested] = transport.posts
    assert (placed[0], tested[0]) == ("/api/v3/order", "/api/v3/order/test")
    assert placed[1:] == tested[1:]


def test_signed_order_says_when_it_holds_and_shows_no_secret() -> None:
    signed = MexcTrading(RecordingTransport(), api_key=KEY, api_secret=SECRET).sign(LIMIT_BUY, now_ms=NOW_MS)

    assert (signed.timestamp_ms, signed.request.recv_window_ms) == (NOW_MS, 1500)
    assert "recvWindow=1500" in signed.query
    assert "abc-1" in repr(signed)
    for secret in (KEY, SECRET, "signature", signed.query.rpartition("=")[2]):
        assert secret not in repr(signed)


def test_market_buy_names_the_amount_to_spend() -> None:
    params = dict(order_params(MARKET_BUY))

    assert params["quoteOrderQty"] == "12.50"
    assert not params.keys() & {"quantity", "price"}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, places=None))
def test_amounts_are_plain_digits_and_lose_nothing(amount: Decimal) -> None:
    written = plain(amount)

    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", written)
    assert Decimal(written) == amount


@pytest.mark.parametrize(
    ("order", "changes", "complaint"),
    [
        (MARKET_BUY, {"symbol": ""}, "symbol"),
        (MARKET_BUY, {"client_order_id": ""}, "client_order_id"),
        (MARKET_BUY, {"client_order_id": "x" * 33}, "client_order_id"),
        (MARKET_BUY, {"client_order_id": "a b"}, "client_order_id"),
        (MARKET_BUY, {"client_order_id": "abc\n"}, "client_order_id"),
        (MARKET_BUY, {"client_order_id": "é"}, "client_order_id"),
        (MARKET_BUY, {"recv_window_ms": 0}, "recv_window_ms"),
        (MARKET_BUY, {"recv_window_ms": 60_001}, "recv_window_ms"),
        (MARKET_BUY, {"price": Decimal(1)}, "MARKET"),
        (MARKET_BUY, {"quantity": Decimal(1)}, "MARKET"),
        (MARKET_BUY, {"quote_order_qty": None}, "MARKET"),
        (MARKET_BUY, {"quote_order_qty": Decimal(0)}, "quoteOrderQty"),
        (MARKET_BUY, {"quote_order_qty": Decimal("NaN")}, "quoteOrderQty"),
        (MARKET_BUY, {"quote_order_qty": Decimal("Infinity")}, "quoteOrderQty"),
        (LIMIT_BUY, {"price": None}, "IMMEDIATE_OR_CANCEL"),
        (LIMIT_BUY, {"quantity": None}, "IMMEDIATE_OR_CANCEL"),
        (LIMIT_BUY, {"quote_order_qty": Decimal(1)}, "IMMEDIATE_OR_CANCEL"),
        (LIMIT_BUY, {"quantity": Decimal(-1)}, "quantity"),
    ],
)
def test_order_the_exchange_would_refuse_on_sight_cannot_be_built(
    order: OrderRequest, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(order, **changes)  # type: ignore[arg-type]
