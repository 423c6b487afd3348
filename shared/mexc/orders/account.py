"""The account of an API key: its orders, their trades, balances; and cancelling an order.

Orders themselves leave by another way, shared/mexc/orders/order_api.py.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx
from pydantic import SecretStr

from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable
from shared.mexc.http.request import DEFAULT_LIMITS, RestLimits, ask, decode
from shared.mexc.http.signed_request import Signing, connect_signed
from shared.mexc.orders.order_payloads import (
    AccountPayload,
    ListenKeyPayload,
    OrderPayload,
    TradePayload,
    balances,
    key_rights,
    order_report,
    trade_report,
)
from shared.mexc.orders.order_reports import Balance, KeyRights, OrderReport, TradeReport
from shared.mexc.weights import LISTEN_KEY_PATH, ORDER_PATH

T = TypeVar("T", OrderReport, TradeReport)

ORDERS_MAX: Final = 1000
TRADES_MAX: Final = 100
_ABSENT: Final = -2013
PAGES_MAX: Final = 20
"""Two thousand trades, for as many times ten of weight."""
Page = Callable[[int | None, int | None], Awaitable[Sequence[TradeReport]]]
"""Returns a page of the trades between two moments in milliseconds; None: any."""
Enough = Callable[[Sequence[TradeReport]], bool]
"""Returns whether nothing can be missing."""


@asynccontextmanager
async def connect_account(
    base_url: str, signing: Signing, limits: RestLimits = DEFAULT_LIMITS
) -> AsyncIterator["MexcAccount"]:
    """Open a client of the account at *base_url*, for example https://api.mexc.com."""
    async with connect_signed(base_url, limits, signing) as http:
        yield MexcAccount(http, limits)


class MexcAccount:
    """Reads may be repeated. An answer about something else than was requested is no answer.

    Every method raises ExchangeUnavailable, ExchangeRejected, RateLimited or, before anything is sent,
    ClockUncertainError.
    """

    def __init__(self, http: httpx.AsyncClient, limits: RestLimits) -> None:
        self._http = http
        self._limits = limits

    async def order_by_client_id(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order sent under that id, the latest of several; None when the exchange says that there is none.

        It may say so for a while after it has taken the order, and does once the order is a week old.
        """
        return await self._order(symbol, {"origClientOrderId": client_order_id})

    async def order_by_id(self, symbol: str, order_id: str) -> OrderReport | None:
        """The order of the exchange's own id; None as above."""
        return await self._order(symbol, {"orderId": order_id})

    async def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        body = await ask(self._http, self._limits, "/api/v3/openOrders", {"symbol": symbol})
        return _of(symbol, [order_report(each) for each in decode(body, list[OrderPayload])])

    async def all_orders(self, symbol: str, *, start_ms: int) -> Sequence[OrderReport]:
        """The latest thousand since *start_ms*, which the exchange lets be a week ago at most."""
        params = {"symbol": symbol, "startTime": str(start_ms), "limit": str(ORDERS_MAX)}
        body = await ask(self._http, self._limits, "/api/v3/allOrders", params)
        return _of(symbol, [order_report(each) for each in decode(body, list[OrderPayload])])

    async def my_trades(self, symbol: str, order_id: str) -> Sequence[TradeReport]:
        """The fills of one order of the last month, at most a hundred: compare them with the order's own figures."""
        trades = await self.trades_page(symbol, order_id=order_id)
        # An exchange that overlooks the parameter sends those of other orders too.
        return [trade for trade in trades if trade.order_id == order_id]

    async def trades_page(
        self, symbol: str, *, order_id: str = "", start_ms: int | None = None, end_ms: int | None = None
    ) -> Sequence[TradeReport]:
        """A hundred of our trades at most: of one order where it is named, and of a time where that is."""
        span = {"orderId": order_id or None, "startTime": start_ms, "endTime": end_ms}
        params = {"symbol": symbol, "limit": str(TRADES_MAX)}
        params |= {name: str(value) for name, value in span.items() if value is not None}
        body = await ask(self._http, self._limits, "/api/v3/myTrades", params)
        return _of(symbol, [trade_report(each) for each in decode(body, list[TradePayload])])

    async def balances(self) -> Mapping[str, Balance]:
        """By asset; missing assets are zero."""
        return balances(await self._account())

    async def key_rights(self) -> KeyRights:
        """The rights of the key, as far as the exchange shows them; ExchangeRejected where it takes the key no more."""
        return key_rights(await self._account())

    async def _account(self) -> AccountPayload:
        return decode(await ask(self._http, self._limits, "/api/v3/account", {}), AccountPayload)

    async def create_listen_key(self) -> SecretStr:
        """Return a new key of the private stream, which ends after an hour unless it is kept alive."""
        body = await ask(self._http, self._limits, LISTEN_KEY_PATH, {}, method="POST")
        return SecretStr(decode(body, ListenKeyPayload).listen_key)

    async def keep_listen_key(self, key: SecretStr) -> None:
        """Let the hour of *key* begin anew; ExchangeRejected where it has ended."""
        await ask(self._http, self._limits, LISTEN_KEY_PATH, {"listenKey": key.get_secret_value()}, method="PUT")

    async def delete_listen_key(self, key: SecretStr) -> None:
        """End *key*, and the connections that use it."""
        await ask(self._http, self._limits, LISTEN_KEY_PATH, {"listenKey": key.get_secret_value()}, method="DELETE")

    async def cancel(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderReport:
        """End the order of one id or the other; refused with -2011 when there is none, or it has ended.

        It counts as an order against the limit. Earlier fills are not in the answer: look the order up.
        """
        ids = {"orderId": order_id} if order_id else {"origClientOrderId": client_order_id}
        body = await ask(self._http, self._limits, ORDER_PATH, {"symbol": symbol, **ids}, method="DELETE")
        return _asked_for(symbol, ids, order_report(decode(body, OrderPayload)))

    async def _order(self, symbol: str, ids: Mapping[str, str]) -> OrderReport | None:
        try:
            body = await ask(self._http, self._limits, ORDER_PATH, {"symbol": symbol, **ids})
        except ExchangeRejected as refusal:
            if refusal.code == _ABSENT:
                return None
            raise
        return _asked_for(symbol, ids, order_report(decode(body, OrderPayload)))


def _asked_for(symbol: str, ids: Mapping[str, str], report: OrderReport) -> OrderReport:
    told = {"orderId": report.order_id, "origClientOrderId": report.client_order_id}
    if report.symbol != symbol or any(told[name] not in {None, sought} for name, sought in ids.items()):
        raise ExchangeUnavailable("the answer tells of another order")
    return report


def _of(symbol: str, reports: Sequence[T]) -> Sequence[T]:
    if any(report.symbol != symbol for report in reports):
        raise ExchangeUnavailable("the answer tells of another symbol")
    return reports


async def all_trades(page: Page, start_ms: int, end_ms: int, enough: Enough) -> Sequence[TradeReport]:
    """Return the trades that *page* shows, each once, until they are *enough* or there are no more to be had.

    A full page may come from either end of the requested span. The spans before it and behind it are requested next;
    more trades in one millisecond than a page holds cannot be reached, and stay missing.
    """
    found: dict[str, TradeReport] = {}
    spans: list[tuple[int | None, int | None]] = [(None, None)]
    for _ in range(PAGES_MAX):
        if not spans:
            break
        start, end = spans.pop()
        answer = await page(start, end)
        found.update((each.trade_id, each) for each in answer)
        if enough(list(found.values())):
            break
        if len(answer) >= TRADES_MAX:
            asked = (start_ms if start is None else start, end_ms if end is None else end)
            spans += _around(asked, answer)
    return list(found.values())


def _around(asked: tuple[int, int], trades: Sequence[TradeReport]) -> Sequence[tuple[int, int]]:
    """Return the spans before and behind a full page of *trades*; without its one millisecond where it has one only."""
    times = [round(each.traded_at.timestamp() * 1000) for each in trades if each.traded_at is not None]
    if not times:
        return []
    (start, end), edge = asked, int(min(times) == max(times))
    before, behind = (start, min(times) - edge), (max(times) + edge, end)
    return [span for span in (before, behind) if span[0] <= span[1] and span != asked]
