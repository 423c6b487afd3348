"""Values of the configuration as they are typed."""

from datetime import timedelta

import pytest

from cli.operating.config import parse_time, parse_value
from cli.operating.positions import parse_exit_change
from shared.errors import SettingsError
from tests.support.data.builders import NOON


@pytest.mark.parametrize(
    ("text", "ahead"),
    [
        ("90s", timedelta(seconds=90)),
        ("90m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_span_of_time_counts_from_now(text: str, ahead: timedelta) -> None:
    assert parse_time(text, now=NOON) == NOON + ahead


@pytest.mark.parametrize("text", ["2026-03-02T12:00:00Z", "h", "-2h", "2 h", "none", "1.2.3h", "²h", "٣h", ".h"])
def test_what_is_no_span_of_time_is_left_to_be_read_as_a_moment(text: str) -> None:
    assert parse_time(text, now=NOON) == text


@pytest.mark.parametrize("text", ["99999999d", f"{'9' * 400}s"])
def test_a_span_beyond_all_time_is_refused_by_the_option(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--until: is beyond the year 9999$"):
        parse_time(text, now=NOON)


def test_none_is_no_value_and_a_ladder_is_json() -> None:
    assert parse_value("stop_loss_pct", "none") is None
    assert parse_value("take_profit_ladder", "none") == []
    assert parse_value("take_profit_ladder", '[{"at_pct": 1, "sell_pct": 2}]') == [{"at_pct": 1, "sell_pct": 2}]
    assert parse_value("stop_loss_pct", "15") == "15"


def test_exits_of_a_position_are_set_taken_away_and_given_back() -> None:
    wanted = parse_exit_change(["stop_loss_pct=5", "take_profit_pct=none", "trailing_stop_pct=config"])

    assert (wanted.own, wanted.follow) == ({"stop_loss_pct": "5", "take_profit_pct": None}, ["trailing_stop_pct"])
    with pytest.raises(SettingsError, match=r"^stop_loss_pct: say KEY=VALUE"):
        parse_exit_change(["stop_loss_pct"])
