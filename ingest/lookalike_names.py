"""Lookalike names: of several scripts, or of letters that resemble those of another script."""

import unicodedata
from typing import Final

_EAST_ASIAN: Final = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})
_WRITTEN_TOGETHER: Final = (_EAST_ASIAN, frozenset({"CJK", "HANGUL"}), frozenset({"CJK", "BOPOMOFO"}))
_LIKE_LATIN: Final = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "GLAGOLITIC", "GOTHIC", "OLD", "DESERET"}
)
"""Scripts with many letters that resemble Latin ones."""
_TWINS: Final = frozenset("АВЕЅІЈКМНОРСТУХҮԚԜԌаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳογνικαρυ")
"""Cyrillic and Greek letters that resemble Latin ones."""
_WITH_LETTERS_OF_THEIR_OWN: Final = frozenset({"CYRILLIC", "GREEK"})


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
