"""Settlement of trades: fees and balance changes."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.market.account_events import BalanceCause
from simulator.market.book import Level, Side
from simulator.market.error_responses import INSUFFICIENT_POSITION, OVERSOLD, RefusedError
from simulator.market.orders import Commission, Order, OrderRequest
from simulator.market.wallet import Arrival, Wallet
from simulator.symbols import FeeAsset, Instrument


@dataclass(frozen=True, slots=True)
class Fees:
    """Takers pay; makers do not. A buyer pays in the quote or the base asset, any taker in MX if it has enough.

    Mixed: a buyer pays for every other trade in base, for the rest in quote.
    """

    taker: Decimal = Decimal("0.0005")
    paid_in: FeeAsset = "quote"
    mx_price: Decimal | None = None

    def spendable(self, free: Decimal) -> Decimal:
        """Return the part of a quote balance that buys coins when the fee comes on top."""
        return free if self.paid_in == "base" else free / (1 + self.taker)

    def commission(self, wallet: Wallet, order: Order, level: Level) -> Commission:
        value = level.price * level.quantity * self.taker
        in_base = self.paid_in == "base" or (self.paid_in == "mixed" and len(order.fills) % 2 == 0)
        if in_base and order.request.side is Side.BUY:
            return Commission(level.quantity * self.taker, order.base, value)
        if self.paid_in == "MX" and self.mx_price and wallet.free("MX") >= value / self.mx_price:
            return Commission(value / self.mx_price, "MX", value)
        return Commission(value, order.quote, value)


def check_balance(wallet: Wallet, request: OrderRequest, instrument: Instrument, middle: Decimal, fees: Fees) -> None:
    """Raise RefusedError unless the balance that an order requires is free."""
    asset, amount = _required_balance(request, instrument, middle, fees)
    if wallet.free(asset) < amount:
        holds_some = request.side is Side.SELL and wallet.free(asset) + wallet.arriving(asset) > 0
        raise RefusedError(OVERSOLD if holds_some else INSUFFICIENT_POSITION)


def _required_balance(
    request: OrderRequest, instrument: Instrument, middle: Decimal, fees: Fees
) -> tuple[str, Decimal]:
    price = request.price if request.price is not None else middle
    if request.side is Side.SELL:
        quantity = request.quantity if request.quantity is not None else (request.quote_quantity or Decimal(0)) / price
        return instrument.base, quantity
    if request.quantity is None:
        return instrument.quote, request.quote_quantity or Decimal(0)
    fee = Decimal(0) if fees.paid_in == "base" or request.price is None else fees.taker
    return instrument.quote, request.quantity * price * (1 + fee)


def settle_taker(wallet: Wallet, order: Order, level: Level, fees: Fees, now_ms: int) -> Commission:
    """Move the balances for one taken level."""
    value = level.price * level.quantity
    commission = fees.commission(wallet, order, level)
    if order.request.side is Side.SELL:
        wallet.move(order.base, -level.quantity)
        wallet.move(order.quote, value)
        wallet.move(commission.asset, -commission.amount, BalanceCause.FEE)
        return commission
    wallet.move(order.quote, -value)
    if commission.asset == order.base:
        _receive(wallet, order, level.quantity - commission.amount, now_ms)
    else:
        wallet.move(commission.asset, -commission.amount, BalanceCause.FEE)
        _receive(wallet, order, level.quantity, now_ms)
    return commission


def settle_maker(wallet: Wallet, order: Order, level: Level, now_ms: int) -> Commission:
    """Move the balances for a fill of a resting order, whose side's balance is locked; it is free of charge."""
    value = level.price * level.quantity
    if order.request.side is Side.SELL:
        wallet.unlock(order.base, level.quantity)
        wallet.move(order.base, -level.quantity)
        wallet.move(order.quote, value)
    else:
        wallet.unlock(order.quote, value)
        wallet.move(order.quote, -value)
        _receive(wallet, order, level.quantity, now_ms)
    return Commission(Decimal(0), order.quote, Decimal(0))


def _receive(wallet: Wallet, order: Order, coins: Decimal, now_ms: int) -> None:
    if order.settle_ms:
        wallet.expect(Arrival(order.base, coins, now_ms + order.settle_ms))
    else:
        wallet.move(order.base, coins)
