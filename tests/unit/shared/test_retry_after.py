"""The one reader of Retry-After."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.errors import RateLimited
from shared.mexc.retry_after import BANNED_SECONDS, LIMITED_SECONDS, WAIT_SECONDS_MAX, retry_after_seconds
from tests.support.data.builders import NOON
from tests.support.data.strategies import steady


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("2.", 2.0),
        (".5", 0.5),
        (" 7 ", 7.0),
        ("\t7", 7.0),
        ("259201", WAIT_SECONDS_MAX),
        ("9" * 5000, WAIT_SECONDS_MAX),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        (" Mon, 02 Mar 2026 12:00:30 GMT ", 30.0),
        ("Monday, 02-Mar-26 12:00:30 GMT", 30.0),
        ("Mon Mar  2 12:00:30 2026", 30.0),
        ("Mon, 02 Mar 2026 14:00:30 +0200", 30.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("Mon, 02 Mar 2099 11:00:00 GMT", WAIT_SECONDS_MAX),
        *[(garbage, None) for garbage in ("", " ", "-1", "nan", "inf", "1e3", "²", "٣", "soon", "1,5", "1 2", ".")],
    ],
)
def test_a_wait_is_read_in_every_form_it_has_and_else_not_at_all(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOON) == seconds


def test_no_header_names_no_wait() -> None:
    assert retry_after_seconds(None, now=NOON) is None


def test_a_moment_is_counted_from_the_answers_own_date_and_not_from_our_clock() -> None:
    header, date = "Mon, 02 Mar 2026 12:10:30 GMT", "Mon, 02 Mar 2026 12:10:00 GMT"

    assert retry_after_seconds(header, date=date, now=NOON) == 30.0
    assert retry_after_seconds(header, date="garbage", now=NOON) == 630.0
    assert retry_after_seconds(header, date=date) == 30.0
    assert retry_after_seconds(header) is None


@steady
@given(header=st.text() | st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,6})?"), date=st.none() | st.text())
def test_whatever_the_header_holds_the_wait_is_bounded_or_not_named(header: str, date: str | None) -> None:
    seconds = retry_after_seconds(header, date=date, now=NOON)

    assert seconds is None or 0 <= seconds <= WAIT_SECONDS_MAX


@steady
@given(moment=st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 5), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_moment_that_can_be_written_is_read(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    expected = min(max(0.0, (whole - NOON).total_seconds()), WAIT_SECONDS_MAX)

    assert retry_after_seconds(format_datetime(whole, usegmt=True), now=NOON) == expected


@pytest.mark.parametrize(
    ("limited", "seconds"),
    [
        (RateLimited(7, banned=True), 7),
        (RateLimited(0), 0),
        (RateLimited(), LIMITED_SECONDS),
        (RateLimited(banned=True), BANNED_SECONDS),
    ],
)
def test_a_limit_that_names_no_wait_has_a_default_and_a_ban_a_longer_one(limited: RateLimited, seconds: float) -> None:
    assert limited.quiet_seconds == seconds
