"""Order requests: build, sign, and send them through an order transport, which returns the answer."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, Protocol

from shared.events import Side
from shared.mexc.http.signing import Signer
from shared.mexc.weights import ORDER_PATH, ORDER_TEST_PATH

MayWrite = Callable[[], bool]
"""Asked right before the first byte: whether it may still be written, after whatever was waited for."""
OrderType = Literal["LIMIT", "MARKET", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"]
"""MEXC has no timeInForce: sent one, it ignores it and leaves a resting order behind."""
CLIENT_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
RECV_WINDOW_MS_MAX: Final = 60_000


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Answer:
    """The exchange's answer, whatever the status: judging it is the caller's."""

    status: int
    headers: Mapping[str, str]
    """Those of content-type, date and retry-after that came, in lowercase."""
    body: bytes = field(repr=False)
    sent_at: datetime
    """By the wall clock, for people to read: nothing about an order is decided by it."""
    latency_seconds: float
    """From handing the request to the socket to holding the whole reply, on a clock that cannot step."""

    @property
    def answered_at(self) -> datetime:
        return self.sent_at + timedelta(seconds=self.latency_seconds)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order as the exchange takes it; one that it would refuse on sight raises ValueError here.

    A MARKET order names either the quote amount to spend or the quantity; every other type a quantity and a price.
    """

    symbol: str
    side: Side
    type: OrderType
    client_order_id: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    quote_order_qty: Decimal | None = None
    recv_window_ms: int = 2_000
    """How long after its timestamp the exchange may still accept the order."""

    def __post_init__(self) -> None:
        if not self.symbol:
            raise ValueError("symbol must not be empty")
        if not CLIENT_ORDER_ID.fullmatch(self.client_order_id):
            raise ValueError("client_order_id must be 1-32 letters, digits, hyphens or underscores")
        if not 0 < self.recv_window_ms <= RECV_WINDOW_MS_MAX:
            raise ValueError(f"recv_window_ms must be between 1 and {RECV_WINDOW_MS_MAX}")
        self._check_amounts()

    def _check_amounts(self) -> None:
        by_quantity, by_amount = self.quantity is not None, self.quote_order_qty is not None
        if self.type == "MARKET":
            if self.price is not None or by_quantity == by_amount:
                raise ValueError("a MARKET order takes either quantity or quote_order_qty, and no price")
        elif not by_quantity or self.price is None or by_amount:
            raise ValueError(f"a {self.type} order takes quantity and price, and no quote_order_qty")
        for name, amount in self.amounts():
            if not (amount.is_finite() and amount > 0):
                raise ValueError(f"{name} must be a positive number")

    def amounts(self) -> list[tuple[str, Decimal]]:
        """The amounts this order names, under the exchange's names for them."""
        named = (("quantity", self.quantity), ("quoteOrderQty", self.quote_order_qty), ("price", self.price))
        return [(name, amount) for name, amount in named if amount is not None]


def plain(amount: Decimal) -> str:
    """*amount* in digits and a point only; the exchange does not read exponents."""
    return f"{amount:f}"


def order_params(order: OrderRequest) -> list[tuple[str, str]]:
    """The parameters of *order* in the order they are signed and sent, the signer's own to follow."""
    return [
        ("symbol", order.symbol),
        ("side", order.side.value),
        ("type", order.type),
        *((name, plain(amount)) for name, amount in order.amounts()),
        ("newClientOrderId", order.client_order_id),
    ]


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order's POST as it goes on the wire, good for as long as the exchange takes its timestamp."""

    request: OrderRequest
    path: str
    query: str = field(repr=False)
    """Already encoded and signed; empty where nothing is sent."""
    headers: Mapping[str, str] = field(repr=False)
    timestamp_ms: int
    """By the exchange's clock, which takes it from a second before this until the request's window has passed."""

    @classmethod
    def on_paper(cls, request: OrderRequest, timestamp_ms: int) -> "SignedOrder":
        """Return *request* as of *timestamp_ms*, without a signature: it is never sent."""
        return cls(request, "", "", {}, timestamp_ms)


class OrderTransport(Protocol):
    """Sends an order's request at most once."""

    def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Awaitable[Answer]:
        """Return the answer, or raise NotSent or OutcomeUnknown."""
        ...


class MexcTrading:
    """Signs orders with one API key and sends them. The key and the secret appear in no representation of it."""

    __slots__ = ("_signer", "post")

    def __init__(self, transport: OrderTransport, *, api_key: str, api_secret: str) -> None:
        self.post = transport.post
        """Sends exactly one request; raises NotSent or OutcomeUnknown."""
        self._signer = Signer(api_key, api_secret)

    def sign(self, order: OrderRequest, *, now_ms: int, test: bool = False) -> SignedOrder:
        """Prepare the request that places *order*, or only has it checked when it is a *test*.

        *now_ms* is the exchange's clock, now or at the time the request is meant for.
        """
        window_ms = order.recv_window_ms
        query = self._signer.query(order_params(order), recv_window_ms=window_ms, now_ms=now_ms)
        path = ORDER_TEST_PATH if test else ORDER_PATH
        return SignedOrder(order, path, query, self._signer.headers, now_ms)

    async def test_order(self, order: OrderRequest, *, now_ms: int) -> Answer:
        """Have *order* checked but not placed. *now_ms* is the exchange's clock; raises NotSent or OutcomeUnknown."""
        return await self.post(self.sign(order, now_ms=now_ms, test=True))
