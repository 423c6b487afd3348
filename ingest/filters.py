"""Filters of symbols that are published and stored but not traded. Rules are data."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ingest.catalogue import SymbolRecord

_EAST_ASIAN: Final = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})
_WRITTEN_TOGETHER: Final = (_EAST_ASIAN, frozenset({"CJK", "HANGUL"}), frozenset({"CJK", "BOPOMOFO"}))
_LIKE_LATIN: Final = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "GLAGOLITIC", "GOTHIC", "OLD", "DESERET"}
)
"""Scripts with many letters that resemble Latin ones."""
_TWINS: Final = frozenset("АВЕЅІЈКМНОРСТУХҮԚԜԌаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳογνικαρυ")
"""Cyrillic and Greek letters that resemble Latin ones."""
_WITH_LETTERS_OF_THEIR_OWN: Final = frozenset({"CYRILLIC", "GREEK"})
_COINS: Final = "BTC|ETH|BNB|XRP|SOL|DOGE|ADA|LTC|LINK|DOT|AVAX|TRX|BCH|EOS|ETC|FIL|UNI|MATIC|ATOM|SHIB|PEPE|SUI"
# Of at least three letters: MUX and BAX are coins.
_STOCKS: Final = (
    "AAPL|ABNB|ADBE|AMD|AMZN|ASML|AVGO|BABA|BLK|BRKB|COIN|COST|CRCL|CRM|CRWD|CSCO|CVX|GLD|GME|GOOG|GOOGL|HOOD|IBM|INTC|"
    "JNJ|JPM|LLY|MARA|MCD|META|MRK|MRVL|MSFT|MSTR|NFLX|NIO|NKE|NVDA|NVO|ORCL|PEP|PFE|PLTR|PYPL|QCOM|QQQ|RDDT|RIOT|SBET|"
    "SHOP|SLV|SMCI|SNOW|SPOT|SPY|TLT|TQQQ|TSLA|TSM|UBER|UNH|WMT|XOM"
)


def lookalike_reason(name: str) -> str:
    """Return why *name* may be taken for another; empty where it is plainly of one script."""
    if name.isascii():
        return ""
    if not unicodedata.is_normalized("NFKC", name):
        return "name: letters in disguise"
    letters = [character for character in name if not (character.isascii() and character.isdigit())]
    # The script begins the character's Unicode name; an underscore has one of its own.
    scripts = frozenset(unicodedata.name(letter, "unknown").partition(" ")[0] for letter in letters) - {"COMBINING"}
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        return "name: of more than one script"
    if scripts & _LIKE_LATIN and (not scripts & _WITH_LETTERS_OF_THEIR_OWN or _TWINS.issuperset(letters)):
        return "name: looks like another"
    return ""


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
        if reason := lookalike_reason(record.symbol.removesuffix(record.quote_asset)) or lookalike_reason(
            record.base_asset
        ):
            return reason
        if record.quote_asset not in self._quote_assets:
            return f"quote asset: {record.quote_asset or 'unknown'}"
        return next((each.reason for each in self._patterns if each.base.fullmatch(record.base_asset)), "")
