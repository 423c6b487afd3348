"""The exchangeInfo body: about a megabyte, cached until a symbol changes."""

from decimal import Decimal

import msgspec

from simulator.market.order_validation import TradingRules
from simulator.symbols import Catalogue, Instrument, Phase, plain

# MEXC's status words: 1 online, 2 paused.
_ONLINE, _PAUSED = "1", "2"


class ExchangeInfo:
    """The rows of all listed symbols as JSON; each row is cached while it stays the same."""

    def __init__(self, catalogue: Catalogue, rules: TradingRules) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._rows: dict[str, tuple[Instrument, tuple[bool, bool], bytes]] = {}
        self._joined: tuple[int, bytes] = (-1, b"")

    def body(self, now_ms: int, server_ms: int) -> bytes:
        version, symbols = self._joined
        if version != self._catalogue.version:
            version = self._catalogue.version
            symbols = b",".join(self._row(each, now_ms) for each in self._catalogue.all_listed(now_ms))
            self._joined = (version, symbols)
        return _wrap(symbols, server_ms)

    def body_of(self, instruments: list[Instrument], now_ms: int, server_ms: int) -> bytes:
        return _wrap(b",".join(self._row(each, now_ms) for each in instruments), server_ms)

    def _row(self, instrument: Instrument, now_ms: int) -> bytes:
        shown = (instrument.api_open(now_ms), instrument.phase(now_ms) is Phase.SUSPENDED)
        known = self._rows.get(instrument.symbol)
        if known is None or known[0] is not instrument or known[1] != shown:
            known = (instrument, shown, msgspec.json.encode(_fields(instrument, now_ms, self._rules)))
            self._rows[instrument.symbol] = known
        return known[2]


def _wrap(symbols: bytes, server_ms: int) -> bytes:
    head = f'{{"timezone":"CST","serverTime":{server_ms},"rateLimits":[],"exchangeFilters":[],"symbols":['
    return b"".join((head.encode(), symbols, b"]}"))


def _fields(instrument: Instrument, now_ms: int, rules: TradingRules) -> dict[str, object]:
    maximum = plain(instrument.notional_max)
    minimum = plain(instrument.notional_min)
    return {
        "symbol": instrument.symbol,
        "status": _PAUSED if instrument.phase(now_ms) is Phase.SUSPENDED else _ONLINE,
        "baseAsset": instrument.base,
        "baseAssetPrecision": instrument.quantity_decimals,
        "quoteAsset": instrument.quote,
        "quotePrecision": instrument.price_decimals,
        "quoteAssetPrecision": instrument.price_decimals,
        "baseCommissionPrecision": instrument.quantity_decimals,
        "quoteCommissionPrecision": instrument.price_decimals,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": instrument.api_open(now_ms),
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": minimum,
        "baseSizePrecision": plain(instrument.quantity_step),
        "permissions": ["SPOT"],
        "filters": _filters(rules.protection_of(instrument)) if instrument.filters is None else instrument.filters,
        "maxQuoteAmount": maximum,
        "makerCommission": "0",
        "takerCommission": plain(rules.taker_fee),
        "quoteAmountPrecisionMarket": minimum,
        "maxQuoteAmountMarket": maximum,
        "fullName": instrument.full_name,
        "tradeSideType": instrument.trade_side,
        "contractAddress": "",
        "conceptPlateIds": [],
        "st": False,
        "firstOpenTime": instrument.first_open_time_ms,
    }


def _filters(price_protection: Decimal) -> list[dict[str, str]]:
    if not price_protection:
        return []
    reach = plain(price_protection)
    return [{"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": reach, "askMultiplierDown": reach}]
