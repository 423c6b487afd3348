"""MEXC's endpoints as a table: path, weight, and the function that answers."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.exchange import Exchange
from simulator.rest import public, trading, user_stream
from simulator.rest.params import Params


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    weight: int
    answer: Callable[[Exchange, Params, int], object]  # bytes are JSON already
    signed: bool = False
    counts_as_order: bool = False  # shares the limit of orders per second

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def takes_order(self) -> bool:
        return self.method == "POST" and self.path.startswith("/api/v3/order")


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, public.ping),
    Endpoint("GET", "/api/v3/time", 1, public.server_time),
    Endpoint("GET", "/api/v3/defaultSymbols", 1, public.default_symbols),
    Endpoint("GET", "/api/v3/exchangeInfo", 25, public.exchange_info),
    Endpoint("GET", "/api/v3/symbol/offline", 10, public.offline),
    Endpoint("GET", "/api/v3/depth", 3, public.depth),
    Endpoint("GET", "/api/v3/trades", 5, public.trades),
    Endpoint("GET", "/api/v3/ticker/price", 10, public.ticker_price),
    Endpoint("GET", "/api/v3/ticker/bookTicker", 10, public.ticker_book),
    Endpoint("GET", "/api/v3/ticker/24hr", 25, public.ticker_day),
    Endpoint("GET", "/api/v3/announcements", 8, public.announcements),
    Endpoint("GET", "/api/operation/new_coin_calendar", 1, public.calendar),
    Endpoint("GET", "/api/v3/selfSymbols", 1, public.default_symbols, signed=True),
    Endpoint("POST", "/api/v3/order", 1, trading.post_order, signed=True, counts_as_order=True),
    Endpoint("POST", "/api/v3/order/test", 1, trading.test_order, signed=True),
    Endpoint("GET", "/api/v3/order", 2, trading.get_order, signed=True),
    Endpoint("DELETE", "/api/v3/order", 1, trading.delete_order, signed=True, counts_as_order=True),
    Endpoint("GET", "/api/v3/openOrders", 3, trading.open_orders, signed=True),
    Endpoint("DELETE", "/api/v3/openOrders", 1, trading.delete_open_orders, signed=True, counts_as_order=True),
    Endpoint("GET", "/api/v3/allOrders", 10, trading.all_orders, signed=True),
    Endpoint("GET", "/api/v3/myTrades", 10, trading.my_trades, signed=True),
    Endpoint("GET", "/api/v3/account", 10, trading.account, signed=True),
    Endpoint("POST", "/api/v3/userDataStream", 1, user_stream.create_listen_key, signed=True),
    Endpoint("GET", "/api/v3/userDataStream", 1, user_stream.list_listen_keys, signed=True),
    Endpoint("PUT", "/api/v3/userDataStream", 1, user_stream.keep_listen_key, signed=True),
    Endpoint("DELETE", "/api/v3/userDataStream", 1, user_stream.delete_listen_key, signed=True),
)
