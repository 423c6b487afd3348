"""Two ways to one exchange, by the side of the order: sales never queue behind purchases."""

from collections.abc import Awaitable, Collection

from executor.model.order import Order
from executor.venues.lookup_schedule import EVERY_WAY, Way
from executor.venues.venue import Attempt, Finding, Venue
from shared.events import Side
from shared.mexc.orders.order_api import MayWrite, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance


class SideRouting:
    """A `Venue` that hands each order to the one of its side."""

    def __init__(self, *, purchases: Venue, sales: Venue) -> None:
        self._venues = {Side.BUY: purchases, Side.SELL: sales}

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        return self._venues[request.side].sign(request, at_ms=at_ms)

    def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Awaitable[Attempt]:
        return self._venues[order.side].send(order, signed, may_write)

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        return await self._venues[order.side].look_up(order, ways, has_ended=has_ended)

    async def balance(self, asset: str, /) -> Balance | None:
        return await self._venues[Side.SELL].balance(asset)

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        await self._venues[order.side].cancel(order, exchange_order_id)
