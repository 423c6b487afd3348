from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reading.lists.cursor import CHARACTERS_MAX, Place, decode, encode

MOMENTS = st.datetimes(timezones=st.just(UTC))
IDS = st.integers(0, 2**63 - 1)


@given(MOMENTS, IDS)
def test_a_place_survives_its_way_through_a_url(at: datetime, row_id: int) -> None:
    cursor = encode(Place(at, row_id))

    assert decode(cursor) == (at, row_id)
    assert len(cursor) <= CHARACTERS_MAX
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&? ")


@given(st.text(max_size=CHARACTERS_MAX))
def test_what_is_no_cursor_is_refused_in_words(text: str) -> None:
    try:
        place = decode(text)
    except ValueError as error:
        assert "not a cursor" in str(error)  # noqa: PT017 - most texts are none, and some may be
    else:
        assert encode(place) == text


@pytest.mark.parametrize(
    "text", ["MS4x=", "MS4x ", "KzEuMQ", "MDEuMQ", "MS4tMQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjE", ""]
)
def test_other_spellings_of_a_place_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        decode(text)
