"""Valid names of symbols."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.fields import is_symbol
from tests.support.data import strategies

NAMES = (
    *("ABC", "ABCUSDT", "abc_usdt", "1000SATSUSDT", "___", "A" * 20),
    *(
        "币安人生USDT",
        "龙币USDT",
        "ドージUSDT",
        "도지코인USDT",
        "МЕМUSDT",
        "ΔΟΓΕUSDT",
        "عملةUSDT",
        "हिन्दीUSDT",
        "บิตUSDT",
    ),
    *("币_USDT", "币安人", "𠀀𠀁𠀂", "ｄｏｇｅUSDT", "ÉTÉUSDT", "٣٤USDT"),
)
NO_NAMES = (
    *("", "AB", "A" * 21, "币" * 21, "A B C", "ABC-USDT", "ABC/USDT", "ABC.USDT", "ABC'; --", "ABCUSDT\n"),
    *("ABC\0USDT", "ABC\x1bUSDT", "ABC\x85USDT", "ABC\u00a0USDT", "币。USDT", "币！USDT", "币　USDT"),
    *("🚀USDT", "币🐉USDT", "❤️USDT", "1️⃣USDT", "²²²", "①②③", "ⅧUSDT", "½USDT", "™USDT"),
    # Not seen, or turning what follows.
    *("ABC\u200bUSDT", "ABC\u200dUSDT", "ABC\u202eUSDT", "ABC\u2066USDT", "\ufeffABCUSDT", "ABC\u00adUSDT"),
    *("ㅤㅤㅤ", "A\u115fB", "ABC\ufe0fUSDT", "ABC\u034fUSDT", "ABC\U000e0041USDT"),
    # Marks with nothing to stand on, or enclosing it, and what has a shorter form.
    *("\u0301ABC", "\u0301\u0301\u0301", "ABC\u20dd", "E\u0301TEUSDT"),
    *("\ue000ABC", "ABC\ud800", "ABC\uffff", "ABC\U0010ffff", "ABC\u0378"),
)


@pytest.mark.parametrize("name", NAMES)
def test_letters_digits_and_underscores_of_any_script_make_a_symbol(name: str) -> None:
    assert is_symbol(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_anything_else_does_not(name: str) -> None:
    assert not is_symbol(name)


@strategies.steady
@given(st.text(min_size=3, max_size=20))
def test_a_symbol_is_seen_whole_and_is_spelled_in_one_way(text: str) -> None:
    if is_symbol(text):
        assert text.isprintable()
        assert unicodedata.normalize("NFC", text) == text
        assert {unicodedata.category(each)[0] for each in text} <= set("LNMP")
