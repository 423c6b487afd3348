"""The market: books, orders, matching and the account they move. No clock and no I/O: time is an argument."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from simulator import refusals
from simulator.book import Eaten, Level, Side, refill_quote, untouched, without
from simulator.catalogue import Catalogue
from simulator.checks import Rules, check
from simulator.instrument import Instrument, Phase
from simulator.matching import Taken, Wanted, take
from simulator.orders import Commission, Fill, Order, OrderRequest, OrderStore, OrderType, Status
from simulator.price import price_at
from simulator.refusals import RefusedError
from simulator.settling import Fees, needed, settle_maker, settle_taker
from simulator.spending import Deal
from simulator.wallet import Wallet

_OPEN_ORDERS_MAX = 500
_DEALS_MAX = 100_000


class Market:
    """One account trading against synthetic books."""

    def __init__(self, catalogue: Catalogue, wallet: Wallet, fees: Fees, rules: Rules) -> None:
        self.catalogue = catalogue
        self.wallet = wallet
        self.orders = OrderStore()
        self.deals: deque[Deal] = deque(maxlen=_DEALS_MAX)
        self._fees = fees
        self.rules = rules
        self._eaten: dict[tuple[str, Side], Eaten] = {}
        self._numbers = itertools.count(1)

    def levels(self, instrument: Instrument, side: Side, now_ms: int) -> Iterator[Level]:
        """The book of one side, best first: the bids for BUY, the asks for SELL. Before opening there are no bids."""
        if side is Side.BUY and instrument.phase(now_ms) in {Phase.ANNOUNCED, Phase.PREOPEN}:
            return iter(())
        levels = untouched(instrument, side, price_at(instrument, now_ms))
        eaten = self._eaten.get((instrument.symbol, side), Eaten()).left(refill_quote(instrument, side), now_ms)
        return without(levels, eaten, instrument.quantity_decimals)

    def refill(self, symbol: str) -> None:
        """Make the book of *symbol* whole again."""
        for side in Side:
            self._eaten.pop((symbol, side), None)

    def validate(self, request: OrderRequest, now_ms: int) -> OrderRequest:
        """What the exchange makes of *request*; raises RefusedError. Moves nothing."""
        instrument = self.instrument(request.symbol, now_ms)
        middle = price_at(instrument, now_ms)
        understood = check(request, instrument, middle, now_ms, self.rules)
        asset, amount = needed(understood, instrument, middle, self._fees)
        if self.wallet.free(asset) < amount:
            holds_some = request.side is Side.SELL and self.wallet.free(asset) + self.wallet.arriving(asset) > 0
            raise RefusedError(refusals.OVERSOLD if holds_some else refusals.INSUFFICIENT_POSITION)
        return understood

    def place(self, request: OrderRequest, now_ms: int, *, settle_ms: int = 0) -> Order:
        """Accept, match and settle; raises RefusedError. What happens to an accepted order is read from the order."""
        understood = self.validate(request, now_ms)
        if len(self.orders.open()) >= _OPEN_ORDERS_MAX:
            raise RefusedError(refusals.TOO_MANY_OPEN_ORDERS)
        instrument = self.instrument(request.symbol, now_ms)
        order_id = f"C02__{now_ms}{next(self._numbers):06d}"
        order = Order(order_id, understood, instrument.base, instrument.quote, now_ms, now_ms, settle_ms=settle_ms)
        self._match(order, instrument, now_ms)
        self.orders.add(order)
        return order

    def cancel(self, order: Order, now_ms: int) -> None:
        """End a resting order; raises RefusedError when it has ended already."""
        if not order.status.open:
            raise RefusedError(refusals.ORDER_UNKNOWN)
        self.wallet.unlock(*order.held)
        self._finish(order, Status.PARTIALLY_CANCELED if order.fills else Status.CANCELED, now_ms)

    def advance(self, now_ms: int) -> None:
        """Let what is due happen: listings, openings, and fills of resting orders the market has come to."""
        self.catalogue.advance(now_ms)
        self.wallet.advance(now_ms)
        for order in self.orders.open():
            instrument = self.catalogue.listed(order.request.symbol, now_ms)
            if instrument is None:
                self.cancel(order, now_ms)
            elif instrument.tradable(now_ms):
                self._fill_resting(order, instrument, now_ms)

    def instrument(self, symbol: str, now_ms: int) -> Instrument:
        """The listed symbol; raises RefusedError for an unknown one."""
        if instrument := self.catalogue.listed(symbol, now_ms):
            return instrument
        raise RefusedError(refusals.SYMBOL_INVALID)

    def _match(self, order: Order, instrument: Instrument, now_ms: int) -> None:
        request = order.request
        guarded = instrument.phase(now_ms) is Phase.GUARDED
        if request.type is OrderType.MARKET and guarded:
            # Acknowledged, then cancelled: what MEXC was seen to do in the first minute.
            return self._finish(order, Status.CANCELED, now_ms)
        taken = self._takeable(order, instrument, now_ms)
        if request.type is OrderType.LIMIT_MAKER and taken.levels:
            return self._finish(order, Status.CANCELED, now_ms)
        if request.type is OrderType.FILL_OR_KILL and not taken.complete:
            return self._finish(order, Status.CANCELED, now_ms)
        self._fill(order, instrument, taken, now_ms)
        if taken.complete:
            return self._finish(order, Status.FILLED, now_ms)
        if request.type in {OrderType.LIMIT, OrderType.LIMIT_MAKER}:
            return self._rest(order)
        return self._finish(order, Status.PARTIALLY_CANCELED if order.fills else Status.CANCELED, now_ms)

    def _takeable(self, order: Order, instrument: Instrument, now_ms: int) -> Taken:
        request = order.request
        budget = self._fees.spendable(self.wallet.free(instrument.quote)) if request.side is Side.BUY else None
        if request.quote_quantity is not None:
            budget = request.quote_quantity if budget is None else min(budget, request.quote_quantity)
        wanted = Wanted(request.side, request.price, request.quantity, budget, instrument.quantity_decimals)
        return take(self.levels(instrument, request.side.other, now_ms), wanted)

    def _fill(self, order: Order, instrument: Instrument, taken: Taken, now_ms: int) -> None:
        fees = self._fees_at(now_ms)
        for level in taken.levels:
            commission = settle_taker(self.wallet, order, level, fees, now_ms)
            self._note_fill(order, level, commission, now_ms, is_maker=False)
        self._eat(instrument, order.request.side.other, taken, now_ms)

    def _fill_resting(self, order: Order, instrument: Instrument, now_ms: int) -> None:
        side, price = order.request.side, order.request.price
        assert price is not None
        wanted = Wanted(side, price, order.remaining, None, instrument.quantity_decimals)
        taken = take(self.levels(instrument, side.other, now_ms), wanted)
        if not taken.levels:
            return
        for level in taken.levels:
            # The maker sets the price.
            filled = Level(price, level.quantity)
            settle_maker(self.wallet, order, filled, now_ms)
            free_of_charge = Commission(Decimal(0), instrument.quote, Decimal(0))
            self._note_fill(order, filled, free_of_charge, now_ms, is_maker=True)
        self._eat(instrument, side.other, taken, now_ms)
        self._finish(order, Status.FILLED if taken.complete else Status.PARTIALLY_FILLED, now_ms)

    def _fees_at(self, now_ms: int) -> Fees:
        mx = self.catalogue.listed("MXUSDT", now_ms)
        return replace(self._fees, mx_price=price_at(mx, now_ms) if mx else None)

    def _note_fill(self, order: Order, level: Level, commission: Commission, now_ms: int, *, is_maker: bool) -> None:
        trade_id = f"{now_ms}{next(self._numbers):06d}"
        fill = Fill(trade_id, level.price, level.quantity, commission, is_maker, now_ms)
        order.fills.append(fill)
        self.deals.append(Deal(order, fill))

    def _eat(self, instrument: Instrument, side: Side, taken: Taken, now_ms: int) -> None:
        value = sum((level.price * level.quantity for level in taken.levels), Decimal(0))
        key = (instrument.symbol, side)
        self._eaten[key] = self._eaten.get(key, Eaten()).plus(value, refill_quote(instrument, side), now_ms)

    def _rest(self, order: Order) -> None:
        self.wallet.lock(*order.held)
        order.status = Status.PARTIALLY_FILLED if order.fills else Status.NEW

    def _finish(self, order: Order, status: Status, now_ms: int) -> None:
        order.status = status
        order.updated_ms = now_ms
        self.orders.note(order)
