"""The exchange itself, where orders cost money."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from decimal import Decimal

from executor.model.fill import WORST_FEE
from executor.model.order import Order
from executor.model.send_result import TimestampRefused, Unanswered, Unsent
from executor.venues.lookup_schedule import EVERY_WAY, Way
from executor.venues.order_lookup import OrderLookup
from executor.venues.response_classifier import result_of
from executor.venues.venue import Attempt, Finding, Venue
from shared.events import Side
from shared.mexc.errors import NotSent, OutcomeUnknown
from shared.mexc.orders.account import MexcAccount
from shared.mexc.orders.order_api import MayWrite, MexcTrading, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance
from shared.mexc.time.exchange_clock import ExchangeClock


class Live:
    """A `Venue`. Each request is signed once and written at most once."""

    def __init__(
        self,
        trading: MexcTrading,
        account: MexcAccount,
        clock: ExchangeClock,
        *,
        taker_fee: Decimal = WORST_FEE,
        now: Callable[[], datetime],
    ) -> None:
        self._trading = trading
        self._account = account
        self._lookup = OrderLookup(account, clock.now_ms, fee_max=max(taker_fee, WORST_FEE))
        self._clock = clock
        self._now = now

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        now_ms = self._clock.now_ms()
        return self._trading.sign(request, now_ms=now_ms if at_ms is None else at_ms)

    async def send(self, _: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        try:
            answer = await self._trading.post(signed, may_write=may_write)
            answered_at = self._now()
        except NotSent as error:
            return Attempt(Unsent(str(error)), self._now())
        except OutcomeUnknown as error:
            return Attempt(Unanswered(str(error)), self._now())
        verdict = result_of(answer)
        if isinstance(verdict, TimestampRefused):
            self._clock.doubt()
        return Attempt(verdict, answered_at)

    async def look_up(self, order: Order, ways: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        return await self._lookup.find(order, ways, has_ended=has_ended)

    async def balance(self, asset: str, /) -> Balance | None:
        balances = await self._account.balances()
        return balances.get(asset, Balance(Decimal(0), Decimal(0)))

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        await self._account.cancel(order.symbol, order_id=exchange_order_id)


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
