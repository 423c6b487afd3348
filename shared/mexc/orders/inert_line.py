"""An order line that leads nowhere, to rehearse the way of an order as far as its first byte."""

import asyncio
from typing import Final

from shared.mexc.http.connection import Endpoint, HttpConnection
from shared.mexc.orders.order_api import Answer, MayWrite, MexcTrading, SignedOrder, always
from shared.mexc.orders.order_connection import OrderLine, OrderLines

NOWHERE: Final = Endpoint("rehearsal.invalid", 80, None)
"""RFC 2606 keeps this name from ever being one."""


def inert_trading() -> MexcTrading:
    """Return what signs orders with no key of anybody's, and sends them nowhere."""
    return MexcTrading(OrderLines([InertLine()]), api_key="rehearsal", api_secret="rehearsal")  # noqa: S106 - no secret


class InertLine(OrderLine):
    """Takes the code of every other line, up to a write that writes nothing; its answer never comes."""

    def __init__(self) -> None:
        super().__init__(NOWHERE)
        self._connection = _InertConnection()

    @property
    def is_ready(self) -> bool:
        return True

    async def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Answer:
        self._idle = self._connection
        return await super().post(signed, may_write=may_write)


class _InertConnection(HttpConnection):
    """Open, without a socket."""

    def __init__(self) -> None:
        super().__init__(0, lambda _: None)
        self._transport = _InertTransport()


class _InertTransport(asyncio.Transport):
    def is_closing(self) -> bool:
        return False

    def write(self, data: object) -> None:
        """Drop *data*."""

    def abort(self) -> None:
        """Stay open for the next rehearsal."""
