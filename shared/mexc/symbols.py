"""Symbols: normalised names, their assets, descriptions by the exchange, trading rules, and the keys of listings."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec
from pydantic import ValidationError

from shared.events import ListingKey, RawListing, Side, Source, TradingRules

QUOTE_ASSETS: Final = frozenset({"USDT", "USDC", "USD1", "USDE", "USDF", "EUR", "BRL", "BTC", "ETH", "SOL", "MX"})
SIDES_CLOSED: Final[Mapping[Side, frozenset[int]]] = MappingProxyType(
    {Side.BUY: frozenset({3, 4}), Side.SELL: frozenset({2, 4})}
)
"""Trade side types under which the exchange takes no order of that side: sell only or buy only, and closed."""
_ONLINE: Final = frozenset({"1", "ENABLED"})
_NOT_ONLINE: Final = frozenset({"2", "3"})
_SEPARATORS: Final = "_-/ "
_ONE_SPELLING: Final = str.maketrans(ascii_lowercase, ascii_uppercase, _SEPARATORS)
"""Capitals of other scripts may equal ours, and lookalikes must stay distinct."""
_ANOTHER_SPELLING: Final = re.compile(f"[a-z{re.escape(_SEPARATORS)}]")


class Pair(NamedTuple):
    """Assets of a symbol."""

    base: str
    quote: str


class SymbolInfo(msgspec.Struct, frozen=True, gc=False):
    """Pair as described by exchangeInfo. Missing and unreadable values are None.

    Without garbage collection: there are thousands, and each collection would scan them all.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    status: str
    """"1" online, "2" paused, "3" offline, as sent; "ENABLED" in older answers."""
    api_allowed: bool
    """False on pairs that answer 10007 to every order sent by API."""
    trade_side_type: int | None
    """1 both sides; see `SIDES_CLOSED` for the others."""
    first_open_time: datetime | None
    base_precision: int | None
    """Decimals of a quantity."""
    quote_precision: int | None
    """Decimals of a price."""
    base_quantity_min: Decimal | None
    quote_amount_min: Decimal | None
    quote_amount_min_market: Decimal | None
    quote_amount_max: Decimal | None
    quote_amount_max_market: Decimal | None
    base_quantity_max: Decimal | None = None
    base_quantity_step: Decimal | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    price_step: Decimal | None = None
    price_up: Decimal | None = None
    """Highest price of a purchase, as a factor of the last price."""
    price_down: Decimal | None = None
    """Lowest price of a sale, as a factor of the last price."""
    market_orders: bool | None = None
    """Whether market orders are accepted; None where unknown."""
    taker_fee: Decimal | None = None
    """As a ratio of the quote amount."""
    filters_unread: str = ""
    """Names of unknown filters."""

    @property
    def is_online(self) -> bool:
        """Return whether it is neither paused nor offline; trading need not have opened."""
        return self.status in _ONLINE

    @property
    def tells_status(self) -> bool:
        """Return whether the status is a known one."""
        return self.status in _ONLINE or self.status in _NOT_ONLINE


def rules_of(info: SymbolInfo) -> TradingRules | None:
    """Return the rules in *info*, without values that do not fit an event.

    None for an unreadable entry: it does not show that orders are refused.
    """
    if not info.status:
        return None
    values = {name: getattr(info, name) for name in TradingRules.model_fields}
    try:
        return TradingRules.model_validate(values)
    except ValidationError as error:
        unusable = {each["loc"][0] for each in error.errors()}
        return TradingRules.model_validate({name: values[name] for name in values.keys() - unusable})


def normalise(symbol: str) -> str:
    """Return the one spelling: `BTC_USDT`, `btc-usdt` and `btcusdt` are `BTCUSDT`."""
    return symbol.translate(_ONE_SPELLING)


def all_normalised(symbols: set[str]) -> set[str]:
    """Return *symbols* normalised. Mostly they are already, which a single search over all of them shows."""
    return set(map(normalise, symbols)) if _ANOTHER_SPELLING.search("".join(symbols)) else symbols


def split_symbol(symbol: str, quote_assets: Collection[str] = QUOTE_ASSETS) -> Pair | None:
    """Return the assets of *symbol* in any spelling, by its longest known quote; None where no quote fits."""
    spelled = normalise(symbol)
    fitting = [quote for quote in quote_assets if spelled.endswith(quote) and spelled != quote]
    if not fitting:
        return None
    quote = max(fitting, key=len)
    return Pair(spelled.removesuffix(quote), quote)


def key_of(raw: RawListing) -> ListingKey:
    """Return the key that all sightings of one listing share.

    Neither the source nor a time is part of it: sources differ by minutes over the same listing. Injections have
    keys of their own, so that a test can never make a real listing look known.
    """
    key = f"{normalise(raw.symbol)}:{raw.occurrence}"
    return ListingKey(f"test:{key}" if raw.source is Source.TEST_INJECTION else key)
