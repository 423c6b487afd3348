"""Symbols nearest to their opening."""

from datetime import timedelta

from ingest.source import Upcoming
from ingest.streams.trade_stream import nearest
from tests.support.data.builders import NOON


def opening(symbol: str, minutes: float | None) -> Upcoming:
    return Upcoming(symbol, None if minutes is None else NOON + timedelta(minutes=minutes))


def test_nearest_openings_come_first_whether_due_or_overdue() -> None:
    upcoming = [opening("FAR", 600), opening("SOON", 2), opening("STALE", -100_000), opening("LATE", -1)]

    assert nearest(upcoming, NOON, at_most=3) == ["LATE", "SOON", "FAR"]


def test_symbol_without_a_known_opening_comes_last() -> None:
    assert nearest([opening("UNKNOWN", None), opening("FAR", 100_000)], NOON, at_most=2) == ["FAR", "UNKNOWN"]


def test_symbol_that_would_break_the_name_of_a_channel_is_left_out() -> None:
    odd = [opening(symbol, 1) for symbol in ("A,B", "A@B", "A B", "[AB]", "币安人生USDT")]

    assert nearest(odd, NOON, at_most=9) == ["币安人生USDT"]
