"""Coins, their books, and what can be wrong with them."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from shared.mexc.payloads import BookTicker, Level, OrderBook
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info

PLENTY = Decimal(1_000_000)
TICK = Decimal("0.000001")


class Trading(StrEnum):
    ON = "on"
    SUSPENDED = "suspended"
    DELISTED = "delisted"


class Look(StrEnum):
    """What the bids show for as many looks as it lasts."""

    HOLE = "hole"
    """Nothing but a bid at a thousandth of the price."""
    CRUMB = "crumb"
    """One coin at twice the price above everything else."""
    SPIKE = "spike"
    """A tenth of a coin at a hundred times the price."""
    EMPTY = "empty"
    NAN = "nan"
    THIN = "thin"
    """Thirty coins at the price, and the rest at half of it."""
    CROSSED = "crossed"
    """Five times the ask for everything."""


@dataclass
class Coin:
    asset: str
    quote: str = "USDT"
    price: Decimal = Decimal(1)
    spread: Decimal = Decimal("0.002")
    trading: Trading = Trading.ON
    look: Look | None = None
    looks_left: int = 0
    taken: dict[Decimal, Decimal] = field(default_factory=dict)
    """What was sold into each price since the book last changed."""
    refuses_sales: int | None = None
    """By this code, whatever its status says."""
    tests_pass: bool = False
    """While it refuses sales."""

    @property
    def symbol(self) -> str:
        return f"{self.asset}{self.quote}"

    @property
    def ask(self) -> Decimal:
        return (self.price * (1 + self.spread / 2)).quantize(TICK)

    @property
    def bid(self) -> Decimal:
        return (self.price * (1 - self.spread / 2)).quantize(TICK)

    def show(self, look: Look | None, looks: int) -> None:
        self.look, self.looks_left = look, looks
        self.taken.clear()

    def move(self, price: Decimal, spread: Decimal) -> None:
        self.price, self.spread = price.quantize(TICK), spread
        self.taken.clear()

    def looked_at(self) -> OrderBook:
        """Return the book, and count that it was seen."""
        book = OrderBook(bids=self.bids(), asks=self.asks())
        if self.look is not None:
            self.looks_left -= 1
            if self.looks_left <= 0:
                self.show(None, 0)
        return book

    def asks(self) -> tuple[Level, ...]:
        return (Level(self.ask, PLENTY),)

    def bids(self) -> tuple[Level, ...]:
        left = ((price, quantity - self.taken.get(price, Decimal(0))) for price, quantity in self._bids())
        return tuple(Level(price, quantity) for price, quantity in left if quantity.is_nan() or quantity > 0)

    def _bids(self) -> tuple[Level, ...]:
        deep, nan = Level(self.bid, PLENTY), Decimal("NaN")
        odd = {
            Look.HOLE: (Level((self.price / 1000).quantize(TICK), PLENTY),),
            Look.CRUMB: (Level((self.ask * 2).quantize(TICK), Decimal(1)), deep),
            Look.SPIKE: (Level((self.ask * 100).quantize(TICK), Decimal("0.1")), deep),
            Look.EMPTY: (),
            Look.NAN: (Level(nan, nan), Level(nan, Decimal(1))),
            Look.CROSSED: (Level((self.ask * 5).quantize(TICK), PLENTY),),
            Look.THIN: (Level(self.bid, Decimal(30)), Level((self.bid / 2).quantize(TICK), PLENTY)),
        }
        return (deep,) if self.look is None else odd[self.look]

    def take(self, price: Decimal, quantity: Decimal) -> None:
        self.taken[price] = self.taken.get(price, Decimal(0)) + quantity

    def ticker(self) -> BookTicker:
        bids, asks = self.bids(), self.asks()
        return BookTicker(
            self.symbol,
            bids[0].price if bids else None,
            bids[0].quantity if bids else None,
            asks[0].price,
            asks[0].quantity,
        )

    def info(self) -> SymbolInfo | None:
        if self.trading is Trading.DELISTED:
            return None
        status = "1" if self.trading is Trading.ON else "2"
        return a_symbol_info(self.symbol, base_asset=self.asset, quote_asset=self.quote, status=status)
