"""Instrument: a symbol's trading rules, and its phase at a given time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Literal

from simulator.symbols.scenarios import HALF_SPREAD, Course, Scenario

Quotes = tuple[tuple[Decimal, Decimal], ...]
"""Prices and quantities, best first."""


Filters = tuple[Mapping[str, str | int | float | bool | None], ...]
FeeAsset = Literal["quote", "base", "MX", "mixed"]


class TradeSide(IntEnum):
    """tradeSideType of exchangeInfo."""

    ALL = 1
    BUY_ONLY = 2
    SELL_ONLY = 3
    CLOSED = 4


class Phase(StrEnum):
    ANNOUNCED = "announced"  # in the calendar only
    PREOPEN = "preopen"  # in exchangeInfo, not tradable
    GUARDED = "guarded"  # tradable, with the restrictions of the first seconds
    OPEN = "open"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Instrument:
    """Times are milliseconds since the epoch, the exchange's own unit.

    The advertised `first_open_time_ms` and the true `opens_at_ms` differ when an opening is late.
    """

    symbol: str
    base: str
    quote: str
    full_name: str
    price: Decimal  # around which the market moves
    price_decimals: int
    quantity_decimals: int
    swing: float  # the market moves within price x (1 ± swing)
    pace_ms: int  # and changes this often
    depth_quote: Decimal  # value of the book, per side
    listed_at_ms: int
    first_open_time_ms: int
    opens_at_ms: int
    guard_ms: int = 0
    guard_cap: Decimal | None = None
    preopen_code: int = 30001
    preopen_api_allowed: bool = True
    api_allowed: bool = True
    suspended: bool = False
    notional_min: Decimal = Decimal(1)
    notional_max: Decimal = Decimal(2_000_000)
    asks: Quotes | None = None  # scripted; None: made from price and depth
    bids: Quotes | None = None
    last_price: Decimal | None = None  # of the last trade; None: the middle of the market
    price_protection: Decimal | None = None  # None: that of the whole exchange
    filters: Filters | None = None  # shown by exchangeInfo instead of the price protection in force
    trade_side: TradeSide = TradeSide.ALL
    min_words: str | None = None  # message of a refusal below the minimum; None: MEXC's
    max_words: str | None = None
    cap_words: str | None = None
    makers_per_level: int = 1
    trades_per_ms: int = 0  # 0: all of an order in one
    fee_asset: FeeAsset | None = None  # None: that of the whole exchange
    in_lists: bool = True  # False: answered to those who name it, and missing from all lists and from the tickers
    scenario: Scenario | None = None
    course: Course | None = None  # of the scenario; None: the market wanders around the price

    @property
    def tick(self) -> Decimal:
        return Decimal(1).scaleb(-self.price_decimals)

    @property
    def quantity_step(self) -> Decimal:
        return Decimal(1).scaleb(-self.quantity_decimals)

    @property
    def half_spread(self) -> Decimal:
        """From the middle of the book to its best bid and ask, as a ratio."""
        return self.course.half_spread if self.course else HALF_SPREAD

    def transitions(self) -> Iterator[int]:
        """Yield the times at which the phase changes by itself."""
        yield self.listed_at_ms
        yield self.opens_at_ms
        if self.course and self.course.halt_ms:
            yield from (self.opens_at_ms + open_ms for open_ms in self.course.halt_ms)

    def phase(self, now_ms: int) -> Phase:
        if now_ms < self.listed_at_ms:
            return Phase.ANNOUNCED
        if self.suspended or (self.course and self.course.is_halted(now_ms - self.opens_at_ms)):
            return Phase.SUSPENDED
        if now_ms < self.opens_at_ms:
            return Phase.PREOPEN
        return Phase.GUARDED if now_ms < self.opens_at_ms + self.guard_ms else Phase.OPEN

    def tradable(self, now_ms: int) -> bool:
        return self.phase(now_ms) in {Phase.GUARDED, Phase.OPEN}

    def api_open(self, now_ms: int) -> bool:
        """Return isSpotTradingAllowed of exchangeInfo."""
        return self.api_allowed and (self.preopen_api_allowed or now_ms >= self.opens_at_ms)
