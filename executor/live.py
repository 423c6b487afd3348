"""The exchange itself, where orders cost money."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from executor.answers import verdict_of
from executor.fills import Fill
from executor.order import Order
from executor.venue import Absent, Attempt, Ended, Finding, Ready, Working
from executor.verdicts import Unanswered, Unsent, Untimely
from shared.mexc.account import MexcAccount
from shared.mexc.errors import ExchangeUnavailable, NotSent, OutcomeUnknown
from shared.mexc.order_reports import OrderReport, OrderStatus, TradeReport
from shared.mexc.order_transport import MayWrite
from shared.mexc.timekeeper import ExchangeClock
from shared.mexc.trading import MexcTrading, OrderRequest, SignedOrder


class Live:
    """A `Venue`. Each request is signed once and written at most once."""

    def __init__(
        self, trading: MexcTrading, account: MexcAccount, clock: ExchangeClock, *, now: Callable[[], datetime]
    ) -> None:
        self._trading = trading
        self._account = account
        self._clock = clock
        self._now = now

    def prepare(self, _: Order, request: OrderRequest, /, *, at_ms: int | None = None) -> Ready:
        now_ms = self._clock.now_ms()
        return partial(self._send, self._trading.sign(request, now_ms=now_ms if at_ms is None else at_ms))

    async def _send(self, signed: SignedOrder, may_write: MayWrite) -> Attempt:
        try:
            answer = await self._trading.send(signed, may_write)
        except NotSent as error:
            return Attempt(Unsent(str(error)), self._now())
        except OutcomeUnknown as error:
            return Attempt(Unanswered(str(error)), self._now())
        verdict = verdict_of(answer)
        if isinstance(verdict, Untimely):
            self._clock.doubt()
        return Attempt(verdict, answer.answered_at)

    async def look_up(self, order: Order, /) -> Finding:
        report = await self._report(order)
        if report is None:
            return Absent()
        if not report.status.has_ended:
            return Working(report.order_id)
        if report.executed_quantity is None or report.executed_value is None:
            raise ExchangeUnavailable("the exchange does not tell what the order got")
        if not report.executed_quantity:
            return Ended(report.order_id, None)
        trades = await self._account.my_trades(order.symbol, report.order_id)
        return Ended(report.order_id, fill_of(order, report, trades))

    async def cancel(self, order: Order, exchange_order_id: str, /) -> None:
        await self._account.cancel(order.symbol, order_id=exchange_order_id)

    async def _report(self, order: Order) -> OrderReport | None:
        """Ask for the order by name, and where it is not found look through the lists it would have to be in."""
        if order.exchange_order_id is not None:
            return await self._account.order_by_id(order.symbol, order.exchange_order_id)
        named = await self._account.order_by_client_id(order.symbol, order.client_order_id)
        if named is not None:
            return named
        start_ms = int(order.decided_at.timestamp() * 1000) - 60_000
        for listed in (
            await self._account.open_orders(order.symbol),
            await self._account.all_orders(order.symbol, start_ms=start_ms),
        ):
            for report in listed:
                if report.client_order_id == order.client_order_id:
                    return report
        return None


def fill_of(order: Order, report: OrderReport, trades: Sequence[TradeReport]) -> Fill:
    """Return what the order got; raise ExchangeUnavailable while its trades do not add up to what it executed."""
    told = sum((trade.quantity for trade in trades), Decimal(0))
    if report.executed_quantity is None or report.executed_value is None or told != report.executed_quantity:
        raise ExchangeUnavailable(f"trades over {told:f} told of {report.executed_quantity} executed")
    fee, fee_asset = _fee(order, trades)
    complete = report.status is OrderStatus.FILLED
    return Fill(report.executed_quantity, report.executed_value, fee, fee_asset, complete=complete)


def _fee(order: Order, trades: Sequence[TradeReport]) -> tuple[Decimal, str]:
    """Return the fee in the asset that decides most: what we hold, then what we pay with, then any other."""
    fees: dict[str, Decimal] = {}
    for trade in trades:
        if trade.commission and trade.commission_asset:
            fees[trade.commission_asset] = fees.get(trade.commission_asset, Decimal(0)) + trade.commission
    for asset in (order.listing.base_asset, order.listing.quote_asset, *fees):
        if asset in fees:
            return fees[asset], asset
    return Decimal(0), order.listing.quote_asset
