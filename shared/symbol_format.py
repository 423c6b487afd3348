"""Format of symbols: three to twenty letters, digits and underscores of any script.

Letters and decimal digits are those of Unicode, as well as the marks that some scripts write their vowels with, after
a letter. Invisible characters (fillers, joiners, directions), emoji and controls are none of them. A name is in the
composed form, NFC, so that names that look the same are equal.

PostgreSQL cannot classify letters where its locale is C. Its constraint, `SQL_CHECK`, checks the length and refuses
characters that are certainly no letters, and accepts every letter of this rule.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LENGTH_MIN: Final = 3
LENGTH_MAX: Final = 20
_DIGIT: Final = "Nd"
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
"""Invisible letters and marks: fillers, joiners, selectors."""
_NO_LETTERS_BELOW_10000: Final = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u005E\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7"
    r"\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F"
    r"\u2000-\u206F\u20A0-\u20CF\u2150-\u2182\u2185-\u2BFF\u3000-\u3004\u3008-\u3020\u3164\uE000-\uF8FF"
    r"\uFE00-\uFE0F\uFEFF\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFA0\uFFF0-\uFFFF"
)
_NO_LETTERS_ABOVE: Final = (
    r"\U000110BD\U000110CD\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A"
    r"\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF"
)
_NO_LETTERS: Final = _NO_LETTERS_BELOW_10000 + _NO_LETTERS_ABOVE
SQL_CHECK: Final = f"char_length(symbol) BETWEEN {LENGTH_MIN} AND {LENGTH_MAX} AND symbol !~ '[{_NO_LETTERS}]'"
JSON_SCHEMA: Final[Mapping[str, str | int]] = MappingProxyType(
    {
        "type": "string",
        "minLength": LENGTH_MIN,
        "maxLength": LENGTH_MAX,
        "pattern": rf"^[^\u0000{_NO_LETTERS_BELOW_10000}]+$",
        "description": "Letters, digits and underscores of any script; the pattern refuses what is certainly none.",
    }
)
"""Approximation for JSON Schema: engines of regular expressions agree neither on letters nor on `\\U`."""


def is_symbol(text: str) -> bool:
    """Return whether *text* can be the name of a symbol."""
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        return False
    if text.isascii():
        return text.replace("_", "a").isalnum()
    if not unicodedata.is_normalized("NFC", text) or unicodedata.category(text[0]).startswith("M"):
        return False
    return all(map(_is_of_a_name, text))


def _is_of_a_name(character: str) -> bool:
    if character == "_":
        return True
    category = unicodedata.category(character)
    return ((category[0] in "LM" and category != "Me") or category == _DIGIT) and character not in _UNSEEN
