"""Account of the venue: every order is filled at once and completely, at its own price."""

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from bench.exchange.http_wire import Request, answer
from bench.exchange.market import PRICE

ORDER_PATH: Final = "/api/v3/order"
TEST_PATH: Final = "/api/v3/order/test"


ABSENT: Final = answer(b'{"code":-2013,"msg":"Order does not exist."}', "400 Bad Request")


class Account:
    """Answers the requests about the account. Pure."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._orders: dict[str, Mapping[str, str]] = {}
        self._names: dict[str, str] = {}

    def take(self, request: Request) -> bytes:
        """Return the acknowledgement of a new order."""
        order_id = f"C02__{next(self._numbers)}"
        self._orders[order_id] = request.params
        self._names[request.params["newClientOrderId"]] = order_id
        return _encoded({"symbol": request.symbol, "orderId": order_id, "orderListId": -1})

    def answer(self, request: Request) -> bytes | None:
        """Return the answer to a GET; None for paths that are not about the account."""
        match request.path:
            case "/api/v3/account":
                return _encoded({"canTrade": True, "balances": [*self._balances()]})
            case "/api/v3/openOrders" | "/api/v3/allOrders":
                return _encoded([])
            case "/api/v3/order":
                order_id = request.params.get("orderId") or self._names.get(request.params["origClientOrderId"])
                return ABSENT if order_id is None else _encoded(self._order(order_id))
            case "/api/v3/myTrades":
                return _encoded([self._trade(request.params["orderId"])])
        return None

    def _balances(self) -> Iterator[Mapping[str, str]]:
        """Yield the balances: more money than is ever spent, and what was bought and not sold yet."""
        yield {"asset": "USDT", "free": "1000000000", "locked": "0"}
        held: dict[str, Decimal] = {}
        for order_id, params in self._orders.items():
            asset, (_, quantity) = params["symbol"].removesuffix("USDT"), self._filled(order_id)
            held[asset] = held.get(asset, Decimal(0)) + (quantity if params["side"] == "BUY" else -quantity)
        for asset, quantity in held.items():
            yield {"asset": asset, "free": f"{quantity:f}", "locked": "0"}

    def _order(self, order_id: str) -> Mapping[str, str]:
        params, (price, quantity) = self._orders[order_id], self._filled(order_id)
        return {
            "symbol": params["symbol"],
            "orderId": order_id,
            "clientOrderId": params["newClientOrderId"],
            "side": params["side"],
            "type": params["type"],
            "status": "FILLED",
            "origQty": f"{quantity:f}",
            "executedQty": f"{quantity:f}",
            "cummulativeQuoteQty": f"{price * quantity:f}",
        }

    def _trade(self, order_id: str) -> Mapping[str, str]:
        price, quantity = self._filled(order_id)
        return {
            "symbol": self._orders[order_id]["symbol"],
            "id": f"{order_id}-1",
            "orderId": order_id,
            "price": f"{price:f}",
            "qty": f"{quantity:f}",
            "quoteQty": f"{price * quantity:f}",
            "commission": "0",
            "commissionAsset": "USDT",
        }

    def _filled(self, order_id: str) -> tuple[Decimal, Decimal]:
        params = self._orders[order_id]
        price = Decimal(params.get("price", PRICE))
        quantity = params.get("quantity")
        return price, Decimal(params["quoteOrderQty"]) / price if quantity is None else Decimal(quantity)


def _encoded(body: object) -> bytes:
    return answer(msgspec.json.encode(body))
