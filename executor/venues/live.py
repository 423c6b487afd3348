"""The exchange itself, where orders cost money."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from executor.model import WORST_FEE, Order, TimestampRefused, Unanswered, Unsent
from executor.venues.order_lookup import OrderLookup
from executor.venues.response_classifier import result_of
from executor.venues.venue import EVERY_WAY, Attempt, Finding, Way
from shared.events import Side
from shared.mexc.errors import NotSent, OutcomeUnknown
from shared.mexc.orders.account import MexcAccount
from shared.mexc.orders.order_api import MayWrite, MexcTrading, OrderRequest, SignedOrder
from shared.mexc.orders.order_reports import Balance
from shared.mexc.time.exchange_clock import ExchangeClock


@dataclass(frozen=True, slots=True)
class LiveSide:
    """The connections of one side: sales never queue behind purchases."""

    trading: MexcTrading
    account: MexcAccount


class Live:
    """A `Venue`. Each signed request is written at most once."""

    def __init__(
        self,
        sides: Mapping[Side, LiveSide],
        clock: ExchangeClock,
        *,
        taker_fee: Decimal = WORST_FEE,
        now: Callable[[], datetime],
    ) -> None:
        fee_max = max(taker_fee, WORST_FEE)
        self._sides = sides
        self._lookups = {side: OrderLookup(by.account, clock.now_ms, fee_max=fee_max) for side, by in sides.items()}
        self._clock = clock
        self._now = now

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        now_ms = self._clock.now_ms()
        trading = self._sides[request.side].trading
        return trading.sign(request, now_ms=now_ms if at_ms is None else at_ms)

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        try:
            answer = await self._sides[order.side].trading.post(signed, may_write=may_write)
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
        return await self._lookups[order.side].find(order, ways, has_ended=has_ended)

    async def balance(self, asset: str, /) -> Balance | None:
        balances = await self._sides[Side.SELL].account.balances()
        return balances.get(asset, Balance(Decimal(0), Decimal(0)))

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        await self._sides[order.side].account.cancel(order.symbol, order_id=exchange_order_id)
