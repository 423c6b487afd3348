"""Filters of symbols that are published and stored but not traded. Rules are data."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ingest.catalogue import SymbolRecord
from ingest.lookalike_names import lookalike_reason

_COINS: Final = "BTC|ETH|BNB|XRP|SOL|DOGE|ADA|LTC|LINK|DOT|AVAX|TRX|BCH|EOS|ETC|FIL|UNI|MATIC|ATOM|SHIB|PEPE|SUI"
# Of at least three letters: MUX and BAX are coins.
_STOCKS: Final = (
    "AAPL|ABNB|ADBE|AMD|AMZN|ASML|AVGO|BABA|BLK|BRKB|COIN|COST|CRCL|CRM|CRWD|CSCO|CVX|GLD|GME|GOOG|GOOGL|HOOD|IBM|INTC|"
    "JNJ|JPM|LLY|MARA|MCD|META|MRK|MRVL|MSFT|MSTR|NFLX|NIO|NKE|NVDA|NVO|ORCL|PEP|PFE|PLTR|PYPL|QCOM|QQQ|RDDT|RIOT|SBET|"
    "SHOP|SLV|SMCI|SNOW|SPOT|SPY|TLT|TQQQ|TSLA|TSM|UBER|UNH|WMT|XOM"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Pattern of bases that are not traded."""

    reason: str
    base: re.Pattern[str]


PATTERNS: Final = (
    Pattern("leveraged token", re.compile(r"[A-Z0-9]{2,}[2-5][LS]")),
    Pattern("leveraged token", re.compile(rf"({_COINS})(UP|DOWN|BULL|BEAR)")),
    # As their issuers spell them: AAPLX, AAPLON, AAPLSTOCK.
    Pattern("stock token", re.compile(rf"({_STOCKS})(X|ON|STOCK)")),
    Pattern("test pair", re.compile(r"TEST\d*|TESTCOIN|DEMO\d*")),
)


class Filters:
    def __init__(
        self, quote_assets: Collection[str], name_pattern: str, patterns: Collection[Pattern] = PATTERNS
    ) -> None:
        self._quote_assets = frozenset(quote_assets)
        self._name = re.compile(name_pattern)
        self._patterns = tuple(patterns)

    def __call__(self, record: SymbolRecord) -> str:
        """Return why *record* is not to be traded; empty where it may be."""
        if not self._name.fullmatch(record.symbol):
            return "name: not of the pattern"
        if doubt := lookalike_reason(record.symbol.removesuffix(record.quote_asset)) or lookalike_reason(
            record.base_asset
        ):
            return doubt
        if record.quote_asset not in self._quote_assets:
            return f"quote asset: {record.quote_asset or 'unknown'}"
        return next((each.reason for each in self._patterns if each.base.fullmatch(record.base_asset)), "")
