"""The check of words: the findings in little sources."""

from pathlib import Path

import pytest

from tests.tools.sources import Module
from tests.tools.words import findings_in, main


def found(source: str) -> list[tuple[int, str]]:
    return [(each.line, each.words) for each in findings_in(Module(Path("shop/sales.py"), source))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tell the exchange.", "Tell"),
        ("It was told so.", "told"),
        ("For whoever comes.", "whoever"),
        ("It is asked once.", "is asked"),
        ("No way to say goodbye.", "say goodbye"),
        ("Nobody.", "Nobody"),
        ("Left in the dark.", "Left in the dark"),
        ("Done behind the back of it.", "behind the back of"),
    ],
)
def test_banned_words_are_found_in_docstrings_and_comments(text: str, words: str) -> None:
    assert found(f'"""{text}"""') == [(1, words)]
    assert found(f"x = 1\ny = 2  # {text}") == [(2, words)]


def test_words_across_a_line_break_are_found_where_they_begin() -> None:
    assert found('"""Sell.\n\nThe others are left in\nthe dark.\n"""') == [(3, "left in the dark")]
    assert found("# The others are left in\n# the dark.") == [(1, "left in the dark")]


@pytest.mark.parametrize(
    "source",
    ['x = "tell nobody"', '"""Call `tell` of it."""', '"""Intelligent storytelling."""', "tell(nobody)", '"""Sell."""'],
)
def test_code_and_other_words_are_left_alone(source: str) -> None:
    assert found(source) == []


def test_a_summary_that_starts_with_a_wh_word_is_found() -> None:
    assert found('"""How a coin is sold."""\n\ndef what():\n    """What of others."""') == [(1, "How")]


def test_each_finding_has_its_place_and_a_suggestion(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    module = Module(Path("shop/sales.py"), '"""Tell."""')

    assert [str(each) for each in findings_in(module)] == [
        "shop/sales.py:1: Tell -> name the act: report, return, publish, notify, log"
    ]


def test_clean_paths_pass_and_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tests/tools"]) == 0

    with pytest.raises(SystemExit, match="2"):
        main(["nowhere"])
    assert "nowhere: no such file" in capsys.readouterr().err
