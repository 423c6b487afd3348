"""What a trade costs, and how it moves the balances."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.book import Level, Side
from simulator.instrument import Instrument
from simulator.orders import OrderRequest
from simulator.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Fees:
    """Takers pay; makers do not. A buyer pays in what it spends or in what it gets."""

    taker: Decimal = Decimal("0.0005")
    in_base: bool = False

    def spendable(self, free: Decimal) -> Decimal:
        """How much of a quote balance buys coins when the fee comes on top."""
        return free if self.in_base else free / (1 + self.taker)


def needed(request: OrderRequest, instrument: Instrument, middle: Decimal, fees: Fees) -> tuple[str, Decimal]:
    """The asset and the free balance of it that the exchange asks for before it accepts an order."""
    price = request.price if request.price is not None else middle
    if request.side is Side.SELL:
        quantity = request.quantity if request.quantity is not None else (request.quote_quantity or Decimal(0)) / price
        return instrument.base, quantity
    if request.quantity is None:
        return instrument.quote, request.quote_quantity or Decimal(0)
    fee = Decimal(0) if fees.in_base or request.price is None else fees.taker
    return instrument.quote, request.quantity * price * (1 + fee)


def settle_taker(wallet: Wallet, instrument: Instrument, side: Side, level: Level, fees: Fees) -> tuple[Decimal, str]:
    """Move the balances for one taken level; returns the commission and its asset."""
    value = level.price * level.quantity
    sign = 1 if side is Side.BUY else -1
    wallet.move(instrument.base, sign * level.quantity)
    wallet.move(instrument.quote, -sign * value)
    paid_in_base = side is Side.BUY and fees.in_base
    commission = (level.quantity if paid_in_base else value) * fees.taker
    asset = instrument.base if paid_in_base else instrument.quote
    wallet.move(asset, -commission)
    return commission, asset


def settle_maker(wallet: Wallet, instrument: Instrument, side: Side, level: Level) -> None:
    """Move the balances for a filled part of a resting order, whose side's balance is locked."""
    value = level.price * level.quantity
    paid, amount = (instrument.quote, value) if side is Side.BUY else (instrument.base, level.quantity)
    got, gain = (instrument.base, level.quantity) if side is Side.BUY else (instrument.quote, value)
    wallet.unlock(paid, amount)
    wallet.move(paid, -amount)
    wallet.move(got, gain)
