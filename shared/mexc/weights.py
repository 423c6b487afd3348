"""Weights of endpoints, and the rate limit each counts against."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Pool(StrEnum):
    """Scope of a rate limit: MEXC counts requests without a key by address, and others by key."""

    ADDRESS = "address"
    KEY = "key"


class Cost(NamedTuple):
    """Cost of one request against the rate limits."""

    pool: Pool
    weight: int
    is_order: bool = False
    """Counts against the order limit per second too: new orders and cancellations."""


ORDER_PATH: Final = "/api/v3/order"
ORDER_TEST_PATH: Final = "/api/v3/order/test"
LISTEN_KEY_PATH: Final = "/api/v3/userDataStream"
INFO_PATH: Final = "/api/v3/exchangeInfo"
HEAVIEST: Final = 25
_UNKNOWN: Final = HEAVIEST
"""Rather too much than too little."""
_ADDRESS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "/api/v3/ping": 1,
        "/api/v3/time": 1,
        "/api/v3/defaultSymbols": 1,
        INFO_PATH: 25,
        "/api/v3/depth": 3,
        "/api/v3/trades": 5,
        "/api/v3/klines": 1,
        "/api/v3/avgPrice": 1,
        "/api/v3/ticker/price": 10,
        "/api/v3/ticker/bookTicker": 10,
        "/api/v3/ticker/24hr": 25,
        "/api/v3/symbol/offline": 10,
        "/api/v3/announcements": 8,
        "/api/operation/new_coin_calendar": 1,
    }
)
_KEY: Final[Mapping[tuple[str, str], Cost]] = MappingProxyType(
    {
        ("POST", ORDER_PATH): Cost(Pool.KEY, 1, is_order=True),
        ("POST", ORDER_TEST_PATH): Cost(Pool.KEY, 1),
        ("DELETE", ORDER_PATH): Cost(Pool.KEY, 1, is_order=True),
        ("DELETE", "/api/v3/openOrders"): Cost(Pool.KEY, 1, is_order=True),
        ("GET", ORDER_PATH): Cost(Pool.KEY, 2),
        ("GET", "/api/v3/openOrders"): Cost(Pool.KEY, 3),
        ("GET", "/api/v3/allOrders"): Cost(Pool.KEY, 10),
        ("GET", "/api/v3/myTrades"): Cost(Pool.KEY, 10),
        ("GET", "/api/v3/account"): Cost(Pool.KEY, 10),
        ("GET", "/api/v3/selfSymbols"): Cost(Pool.KEY, 1),
        ("GET", "/api/v3/tradeFee"): Cost(Pool.KEY, 20),
        ("GET", LISTEN_KEY_PATH): Cost(Pool.KEY, 1),
        ("POST", LISTEN_KEY_PATH): Cost(Pool.KEY, 1),
        ("PUT", LISTEN_KEY_PATH): Cost(Pool.KEY, 1),
        ("DELETE", LISTEN_KEY_PATH): Cost(Pool.KEY, 1),
    }
)
ORDER: Final = _KEY["POST", ORDER_PATH]


def cost_of(method: str, path: str) -> Cost:
    """Return the cost of a request; an unknown one counts as the heaviest."""
    return _KEY.get((method, path)) or Cost(Pool.ADDRESS, _ADDRESS.get(path, _UNKNOWN))


def weight_of(path: str) -> int:
    """Return the weight of a GET of *path*."""
    return cost_of("GET", path).weight
