"""Names that may be taken for another: of several scripts, or of letters that look like those of another script."""

import unicodedata
from typing import Final

_EAST_ASIAN: Final = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})
_WRITTEN_TOGETHER: Final = (_EAST_ASIAN, frozenset({"CJK", "HANGUL"}), frozenset({"CJK", "BOPOMOFO"}))
_LIKE_LATIN: Final = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "GLAGOLITIC", "GOTHIC", "OLD", "DESERET"}
)
"""Scripts with many letters that look like Latin ones."""
_TWINS: Final = frozenset("АВЕЅІЈКМНОРСТУХҮԚԜԌаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳογνικαρυ")
"""Of Cyrillic and Greek, those that look like one."""
_WITH_LETTERS_OF_THEIR_OWN: Final = frozenset({"CYRILLIC", "GREEK"})


def lookalike_reason(name: str) -> str:
    """Say why *name* may be taken for another; empty where it is plainly of one script."""
    if name.isascii():
        return ""
    if not unicodedata.is_normalized("NFKC", name):
        return "name: letters in disguise"
    letters = [character for character in name if not (character.isascii() and character.isdigit())]
    scripts = frozenset(map(_script_of, letters)) - {"COMBINING"}
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        return "name: of more than one script"
    if scripts & _LIKE_LATIN and (not scripts & _WITH_LETTERS_OF_THEIR_OWN or _TWINS.issuperset(letters)):
        return "name: looks like another"
    return ""


def _script_of(character: str) -> str:
    """Return the script as the character's own name begins with it; that of an underscore is its own."""
    return unicodedata.name(character, "unknown").partition(" ")[0]
