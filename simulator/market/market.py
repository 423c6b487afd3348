"""The market: books, orders, matching and the account they move. No clock and no I/O: time is an argument."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain, count

from simulator.dirty_rows import Changes, RowKind
from simulator.market import error_responses
from simulator.market.book import Depletion, Level, Side, full_side, refill_quote, without_depleted
from simulator.market.error_responses import RefusedError
from simulator.market.exposure_history import Deal, Removal
from simulator.market.matching import TakeRequest, TakeResult, split, take
from simulator.market.order_validation import TradingRules, validate_order
from simulator.market.orders import (
    NORMAL,
    Behaviour,
    Commission,
    Fill,
    Order,
    OrderRequest,
    OrderStore,
    OrderType,
    Status,
)
from simulator.market.price import price_at
from simulator.market.settlement import Fees, check_balance, settle_maker, settle_taker
from simulator.market.wallet import Wallet
from simulator.symbols import Catalogue, Instrument, Phase, truncate

_OPEN_ORDERS_MAX = 500
_DEALS_MAX = 100_000


class Market:
    """One account trading against synthetic books."""

    def __init__(
        self, catalogue: Catalogue, wallet: Wallet, fees: Fees, rules: TradingRules, changes: Changes | None = None
    ) -> None:
        self.catalogue = catalogue
        self.wallet = wallet
        self._events = wallet.events
        self._changes = changes or Changes()
        self.orders = OrderStore(self._changes)
        self.deals: deque[Deal | Removal] = deque(maxlen=_DEALS_MAX)
        self._fees = fees
        self.rules = rules
        self._late: list[Order] = []
        self._depletions: dict[tuple[str, Side], Depletion] = {}
        self._numbers = count(1)

    def levels(self, instrument: Instrument, side: Side, now_ms: int) -> Iterator[Level]:
        """Return one side of the book, best first: bids for BUY, asks for SELL. No bids before the opening."""
        if side is Side.BUY and instrument.phase(now_ms) in {Phase.ANNOUNCED, Phase.PREOPEN}:
            return iter(())
        levels = full_side(instrument, side, price_at(instrument, now_ms))
        depletion = self._depletions.get((instrument.symbol, side), Depletion())
        depleted = depletion.remaining_value(refill_quote(instrument, side), now_ms)
        return without_depleted(levels, depleted, instrument.quantity_decimals)

    def refill(self, symbol: str) -> None:
        """Restore the full book of *symbol*."""
        for side in Side:
            self._depletions.pop((symbol, side), None)
            self._changes.note(RowKind.DEPLETION, f"{symbol} {side}")

    def depletion(self, symbol: str, side: Side) -> Depletion | None:
        """Return the depletion of one side of a book, as of the last taker."""
        return self._depletions.get((symbol, side))

    def resume(self, orders: Sequence[Order], depletions: Mapping[tuple[str, Side], Depletion]) -> None:
        """Restore the orders of an earlier run, oldest first, and the depletions of its books."""
        for order in orders:
            self.orders.add(order)
            if order.status.open and order.created_ms < order.behaviour.due_ms:
                self._late.append(order)
        fills = ((order, fill) for order in orders for fill in order.fills)
        in_turn = sorted(fills, key=lambda each: (each[1].time_ms, each[1].trade_id))
        self.deals.extend(Deal(order, fill) for order, fill in in_turn)
        self._depletions.update(depletions)

    def fund(self, asset: str, amount: Decimal) -> None:
        """Set the free balance of *asset*; a decrease counts as coins sold elsewhere."""
        if (gone := self.wallet.free(asset) - amount) > 0:
            self.deals.append(Removal(asset, gone))
        self.wallet.fund(asset, amount)

    def validate(self, request: OrderRequest, now_ms: int) -> OrderRequest:
        """Return *request* as the exchange understands it, without side effects; raises RefusedError."""
        instrument = self.instrument(request.symbol, now_ms)
        middle = price_at(instrument, now_ms)
        understood = validate_order(request, instrument, middle, now_ms, self.rules)
        check_balance(self.wallet, understood, instrument, middle, self._fees_at(instrument, now_ms))
        return understood

    def place(self, request: OrderRequest, now_ms: int, *, settle_ms: int = 0, behaviour: Behaviour = NORMAL) -> Order:
        """Accept, match and settle an order; raises RefusedError. The returned order carries its outcome."""
        understood = self.validate(request, now_ms)
        if len(self.orders.open()) >= _OPEN_ORDERS_MAX:
            raise RefusedError(error_responses.TOO_MANY_OPEN_ORDERS)
        instrument = self.instrument(request.symbol, now_ms)
        order_id = f"C02__{now_ms}{next(self._numbers):06d}"
        pair = instrument.base, instrument.quote
        order = Order(order_id, understood, *pair, now_ms, now_ms, settle_ms=settle_ms, behaviour=behaviour)
        if behaviour.due_ms > now_ms:
            order.visible_from_ms = behaviour.due_ms
            self._late.append(order)
        else:
            self._match(order, instrument, now_ms)
        self.orders.add(order)
        return order

    def cancel(self, order: Order, now_ms: int) -> None:
        """End a resting order; raises RefusedError when it has ended already."""
        if not order.status.open:
            raise RefusedError(error_responses.ORDER_UNKNOWN)
        self.wallet.unlock(*order.held)
        self._finish(order, Status.PARTIALLY_CANCELED if order.fills else Status.CANCELED, now_ms)

    def advance(self, now_ms: int) -> None:
        """Apply events due by *now_ms*: listings, openings, arrivals, and fills of resting orders."""
        self.catalogue.advance(now_ms)
        self.wallet.advance(now_ms)
        self._match_late(now_ms)
        for order in self.orders.open():
            instrument = self.catalogue.listed(order.request.symbol, now_ms)
            if order in self._late:
                continue
            if instrument is None:
                self.cancel(order, now_ms)
            elif instrument.tradable(now_ms) and not order.behaviour.rests:
                self._fill_resting(order, instrument, now_ms)

    def instrument(self, symbol: str, now_ms: int) -> Instrument:
        """The listed symbol; raises RefusedError for an unknown one."""
        if instrument := self.catalogue.listed(symbol, now_ms):
            return instrument
        raise RefusedError(error_responses.SYMBOL_INVALID)

    def _match(self, order: Order, instrument: Instrument, now_ms: int) -> None:
        self._events.note_order(order)
        request = order.request
        guarded = instrument.phase(now_ms) is Phase.GUARDED
        if request.type is OrderType.MARKET and guarded:
            # Acknowledged, then cancelled: observed on MEXC in the first minute.
            return self._finish(order, Status.CANCELED, now_ms)
        taken = self._takeable(order, instrument, now_ms)
        if order.behaviour != NORMAL and not order.behaviour.due_ms:
            return self._match_faulty(order, instrument, taken, now_ms)
        is_maker, is_fok = request.type is OrderType.LIMIT_MAKER, request.type is OrderType.FILL_OR_KILL
        if (is_maker and taken.levels) or (is_fok and not taken.complete):
            return self._finish(order, Status.CANCELED, now_ms)
        self._fill(order, instrument, taken, now_ms)
        if taken.complete:
            return self._finish(order, Status.FILLED, now_ms)
        if request.type in {OrderType.LIMIT, OrderType.LIMIT_MAKER}:
            return self._rest(order, now_ms)
        return self._finish(order, Status.PARTIALLY_CANCELED if order.fills else Status.CANCELED, now_ms)

    def _match_late(self, now_ms: int) -> None:
        """Match delayed orders that are due; one that is no longer valid is cancelled."""
        for order in [each for each in self._late if each.behaviour.due_ms <= now_ms]:
            self._late.remove(order)
            order.created_ms = order.updated_ms = now_ms
            try:
                self.validate(order.request, now_ms)
            except RefusedError:
                self._finish(order, Status.CANCELED, now_ms)
            else:
                self._match(order, self.instrument(order.request.symbol, now_ms), now_ms)
                self.orders.note(order)

    def _match_faulty(self, order: Order, instrument: Instrument, taken: TakeResult, now_ms: int) -> None:
        behaviour = order.behaviour
        wanted = order.request.quantity if order.request.quantity is not None else taken.quantity
        if behaviour.takes is not None:
            taken = taken.limited_to(truncate(wanted * behaviour.takes, instrument.quantity_decimals))
        self._fill(order, instrument, taken, now_ms)
        if behaviour.rests and order.remaining > 0:
            return self._rest(order, now_ms)
        complete = order.request.quantity is not None and order.remaining == 0
        ended = Status.FILLED if complete else Status.PARTIALLY_CANCELED if order.fills else Status.CANCELED
        return self._finish(order, ended, now_ms)

    def _takeable(self, order: Order, instrument: Instrument, now_ms: int) -> TakeResult:
        request = order.request
        fees = self._fees_at(instrument, now_ms)
        budget = fees.spendable(self.wallet.free(instrument.quote)) if request.side is Side.BUY else None
        if request.quote_quantity is not None:
            budget = request.quote_quantity if budget is None else min(budget, request.quote_quantity)
        wanted = TakeRequest(request.side, request.price, request.quantity, budget, instrument.quantity_decimals)
        return take(self.levels(instrument, request.side.other, now_ms), wanted)

    def _fill(self, order: Order, instrument: Instrument, taken: TakeResult, now_ms: int) -> None:
        fees = self._fees_at(instrument, now_ms)
        makers, decimals = instrument.makers_per_level, instrument.quantity_decimals
        for part in chain.from_iterable(split(level, makers, decimals) for level in taken.levels):
            commission = settle_taker(self.wallet, order, part, fees, now_ms)
            later_ms = len(order.fills) // instrument.trades_per_ms if instrument.trades_per_ms else 0
            self._note_fill(order, part, commission, now_ms + later_ms, is_maker=False)
        self._deplete(instrument, order.request.side.other, taken, now_ms)

    def _fill_resting(self, order: Order, instrument: Instrument, now_ms: int) -> None:
        side, price = order.request.side, order.request.price
        assert price is not None
        wanted = TakeRequest(side, price, order.remaining, None, instrument.quantity_decimals)
        taken = take(self.levels(instrument, side.other, now_ms), wanted)
        if not taken.levels:
            return
        for level in taken.levels:
            # The maker sets the price.
            filled = Level(price, level.quantity)
            commission = settle_maker(self.wallet, order, filled, now_ms)
            self._note_fill(order, filled, commission, now_ms, is_maker=True)
        self._deplete(instrument, side.other, taken, now_ms)
        self._finish(order, Status.FILLED if taken.complete else Status.PARTIALLY_FILLED, now_ms)

    def _fees_at(self, instrument: Instrument, now_ms: int) -> Fees:
        mx = self.catalogue.listed("MXUSDT", now_ms)
        paid_in = instrument.fee_asset or self._fees.paid_in
        return replace(self._fees, paid_in=paid_in, mx_price=price_at(mx, now_ms) if mx else None)

    def _note_fill(self, order: Order, level: Level, commission: Commission, now_ms: int, *, is_maker: bool) -> None:
        trade_id = f"{now_ms}{next(self._numbers):06d}"
        deal = Deal(order, Fill(trade_id, level.price, level.quantity, commission, is_maker, now_ms))
        order.fills.append(deal.fill)
        self.deals.append(deal)
        self._events.note(deal)

    def _deplete(self, instrument: Instrument, side: Side, taken: TakeResult, now_ms: int) -> None:
        value = sum((level.price * level.quantity for level in taken.levels), Decimal(0))
        refilled = refill_quote(instrument, side)
        before = self._depletions.get((instrument.symbol, side), Depletion())
        self._depletions[instrument.symbol, side] = before.plus(value, refilled, now_ms)
        self._changes.note(RowKind.DEPLETION, f"{instrument.symbol} {side}")

    def _rest(self, order: Order, now_ms: int) -> None:
        self.wallet.lock(*order.held)
        if order.fills:
            self._finish(order, Status.PARTIALLY_FILLED, now_ms)

    def _finish(self, order: Order, status: Status, now_ms: int) -> None:
        order.status = status
        order.updated_ms = now_ms
        self.orders.note(order)
        self._events.note_order(order)
