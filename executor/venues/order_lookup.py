"""Look up one order at the exchange: by every way of looking, in its own figures and in its trades."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from executor.model import CAREFUL, Order, fees_of, fill_with_fees
from executor.pricing import add_up, credible_report, credible_trades, names_its_fee, sums
from executor.venues.venue import EVERY_WAY, REMEMBERED, Absent, Ended, Finding, Unclear, Untold, Way, Working
from shared.events import Side
from shared.mexc.errors import ExchangeError, ExchangeUnavailable, RateLimited
from shared.mexc.orders.account import all_trades
from shared.mexc.orders.order_reports import OrderReport, OrderStatus, TradeReport

_MARGIN_MS: Final = 60_000
_CLOCKS_APART: Final = timedelta(seconds=5)
"""By how much the exchange's clock may be behind the one that a decision was dated by."""
_REMEMBERED_MS: Final = int(REMEMBERED / timedelta(milliseconds=1))


class OrderQueries(Protocol):
    """Questions about our orders; each raises ExchangeError or ClockUncertainError."""

    async def order_by_client_id(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Return the order sent under that id."""

    async def order_by_id(self, symbol: str, order_id: str) -> OrderReport | None:
        """Return the order of the exchange's own id."""

    async def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """Return those that work."""

    async def all_orders(self, symbol: str, *, start_ms: int) -> Sequence[OrderReport]:
        """Return those since then."""

    async def trades_page(
        self, symbol: str, *, order_id: str = "", start_ms: int | None = None, end_ms: int | None = None
    ) -> Sequence[TradeReport]:
        """Return a hundred trades at most."""


class OrderLookup:
    def __init__(self, account: OrderQueries, now_ms: Callable[[], int], *, fee_max: Decimal) -> None:
        self._account = account
        self._now_ms = now_ms
        self._fee_max = fee_max

    async def find(self, order: Order, ways: Collection[Way], *, has_ended: bool) -> Finding:
        """Return the finding of the first of *ways*, cheapest first, that shows *order*.

        One that is refused does not keep the others from it; its error is raised where none of them shows anything.
        """
        obstacle: ExchangeError | None = None
        others: frozenset[str] = frozenset()
        for way in (each for each in EVERY_WAY if each in ways):
            try:
                finding = await self._look(order, way, has_ended=has_ended)
            except RateLimited:
                raise
            except ExchangeError as error:
                obstacle = obstacle or error
                continue
            if not isinstance(finding, Absent):
                return finding
            others |= finding.others
        if obstacle is not None:
            raise obstacle
        return Absent(others)

    async def _look(self, order: Order, way: Way, *, has_ended: bool) -> Finding:
        if way is Way.TRADES:
            return await self._by_trades(order)
        report = await self._report(order, way)
        return Absent() if report is None else await self._read(order, report, has_ended=has_ended)

    async def _report(self, order: Order, way: Way) -> OrderReport | None:
        """Return *order* as *way* shows it; None where it does not, or shows trades only."""
        match way:
            case Way.EXCHANGE_ID if order.exchange_order_id is not None:
                return await self._account.order_by_id(order.symbol, order.exchange_order_id)
            case Way.CLIENT_ID:
                return await self._account.order_by_client_id(order.symbol, order.sent_as)
            case Way.OPEN_ORDERS:
                return _ours(order, await self._account.open_orders(order.symbol))
            case Way.ALL_ORDERS:
                return _ours(order, await self._account.all_orders(order.symbol, start_ms=self._begin_ms(order)))
        return None

    async def _by_trades(self, order: Order) -> Finding:
        """Look through all trades since the order was decided on, where no list shows the order itself."""
        if order.exchange_order_id is not None:
            trades = await self._trades(order, order.exchange_order_id, self._begin_ms(order), lambda _: False)
            return self._from_trades(order, order.exchange_order_id, trades)
        span = self._begin_ms(order), self._now_ms() + _MARGIN_MS
        found = await all_trades(
            lambda start, end: self._account.trades_page(
                order.symbol, start_ms=span[0] if start is None else start, end_ms=span[1] if end is None else end
            ),
            *span,
            lambda _: False,
        )
        ours = [each for each in found if each.client_order_id == order.sent_as]
        if ours:
            return self._from_trades(order, ours[0].order_id, ours)
        return Absent(frozenset(each.order_id for each in found if _may_be_of(order, each)))

    async def _read(self, order: Order, report: OrderReport, *, has_ended: bool) -> Finding:
        """Return what *report* says. Where its status has no meaning here, its quantities decide."""
        is_whole = bool(report.quantity) and report.executed_quantity == report.quantity
        if report.status.is_open:
            return Working(report.order_id)
        if not (report.status.has_ended or has_ended or is_whole):
            return Unclear(report.order_id, report.status_word, report.executed_quantity)
        note = "" if report.status.has_ended else report.status_word or "none"
        got_nothing = report.executed_quantity == 0 and report.status is not OrderStatus.FILLED
        if got_nothing and report.status is not OrderStatus.PARTIALLY_CANCELED:
            return Ended(report.order_id, None, note)
        trades, obstacle = await self._trades_shown(order, report)
        if got_nothing and not trades:
            # Its status says that it got something, which may show later.
            unclear = Unclear(report.order_id, report.status_word, report.executed_quantity)
            return Ended(report.order_id, None, note) if has_ended and not obstacle else unclear
        return self._settled(order, credible_report(order, report), credible_trades(order, trades), note, obstacle)

    async def _trades_shown(self, order: Order, report: OrderReport) -> tuple[Sequence[TradeReport], str]:
        """Return the trades of *order*, and why there are none where they cannot be read: its own figures are left."""
        begin_ms = self._begin_ms(order)
        try:
            return await self._trades(order, report.order_id, begin_ms, lambda found: add_up(report, found)), ""
        except RateLimited:
            raise
        except ExchangeError as error:
            return [], f" ({error})"

    async def _trades(
        self, order: Order, order_id: str, begin_ms: int, enough: Callable[[Sequence[TradeReport]], bool]
    ) -> Sequence[TradeReport]:
        def ours(found: Sequence[TradeReport]) -> Sequence[TradeReport]:
            # An exchange that overlooks the parameter sends those of other orders too.
            return [each for each in found if each.order_id == order_id]

        found = await all_trades(
            lambda start, end: self._account.trades_page(order.symbol, order_id=order_id, start_ms=start, end_ms=end),
            begin_ms,
            self._now_ms() + _MARGIN_MS,
            lambda page: enough(ours(page)),
        )
        return ours(found)

    def _settled(
        self, order: Order, report: OrderReport, trades: Sequence[TradeReport], note: str, obstacle: str
    ) -> Finding:
        quantity, value = sums(trades)
        untold = [trade for trade in trades if not names_its_fee(order, trade)]
        if quantity and add_up(report, trades) and not untold:
            complete = report.status is OrderStatus.FILLED or report.executed_quantity == report.quantity
            value = report.executed_value or value
            traded_at = self._last_trade(trades)
            fill = fill_with_fees(quantity, value, *_fees(order, trades), complete=complete, traded_at=traded_at)
            return Ended(report.order_id, fill, note)
        base_qty, cost = max(quantity, report.executed_quantity or quantity), max(value, report.executed_value or value)
        if not (base_qty and cost):
            raise ExchangeUnavailable(f"the exchange does not show the fill of the order{obstacle}")
        why = f"{len(trades)} trades over {quantity:f} and {value:f} shown of {report.executed_quantity} executed"
        why = f"{why}, {len(untold)} of them without a fee{obstacle}" if untold else f"{why}{obstacle}"
        ranked = self._assumed_fees(order, trades, cost)
        complete = report.status is OrderStatus.FILLED or base_qty == report.quantity
        traded_at = self._last_trade(trades)
        fill = fill_with_fees(base_qty, cost, ranked, order.listing.quote_asset, complete=complete, traded_at=traded_at)
        return Untold(report.order_id, fill, why)

    def _assumed_fees(self, order: Order, trades: Sequence[TradeReport], cost: Decimal) -> Mapping[str, Decimal]:
        """Return the fees that *trades* name, and the highest there is for the rest of the *cost*."""
        fees, quote_asset = _fees(order, trades)
        _, named = sums([trade for trade in trades if names_its_fee(order, trade)])
        assumed = CAREFUL.multiply(CAREFUL.subtract(cost, named), self._fee_max)
        with_worst = {**fees, quote_asset: CAREFUL.add(fees.get(quote_asset, Decimal(0)), assumed)}
        return fees_of(order.listing.base_asset, quote_asset, with_worst.items())

    def _from_trades(self, order: Order, order_id: str, shown: Sequence[TradeReport]) -> Finding:
        if not shown:
            return Absent()
        if not (trades := credible_trades(order, shown)):
            raise ExchangeUnavailable("trades of the order that cannot be")
        quantity, value = sums(trades)
        wanted = order.requested_qty or order.base_qty
        complete, traded_at = wanted is not None and quantity >= wanted, self._last_trade(trades)
        fees, quote_asset = self._assumed_fees(order, trades, value), order.listing.quote_asset
        fill = fill_with_fees(quantity, value, fees, quote_asset, complete=complete, traded_at=traded_at)
        return Untold(order_id, fill, "its trades are shown and the order is not")

    def _last_trade(self, trades: Sequence[TradeReport]) -> datetime | None:
        """Return when the last of *trades* was, which is not ahead of the exchange's time."""
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        return max((min(each.traded_at, now) for each in trades if each.traded_at is not None), default=None)

    def _begin_ms(self, order: Order) -> int:
        decided_ms = int(order.decided_at.timestamp() * 1000) - _MARGIN_MS
        return max(decided_ms, self._now_ms() - _REMEMBERED_MS + _MARGIN_MS)


def _ours(order: Order, reports: Sequence[OrderReport]) -> OrderReport | None:
    known = order.exchange_order_id
    for report in reports:
        if report.client_order_id == order.sent_as or (known is not None and report.order_id == known):
            return report
    return None


def _may_be_of(order: Order, trade: TradeReport) -> bool:
    is_late = trade.traded_at is None or trade.traded_at >= order.decided_at - _CLOCKS_APART
    return is_late and (trade.is_buyer is None or trade.is_buyer == (order.side is Side.BUY))


def _fees(order: Order, trades: Sequence[TradeReport]) -> tuple[Mapping[str, Decimal], str]:
    listing = order.listing
    charged = (
        (trade.commission_asset, trade.commission)
        for trade in trades
        if trade.commission is not None and names_its_fee(order, trade)
    )
    return fees_of(listing.base_asset, listing.quote_asset, charged), listing.quote_asset
