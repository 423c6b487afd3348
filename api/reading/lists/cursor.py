"""Cursors: opaque encoding of the place in a list after which a page begins. Pure."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

CHARACTERS_MAX: Final = 64
_ID_MAX: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Place(NamedTuple):
    """Keyset of the row after which a page begins: its time and id."""

    at: datetime
    id: int


def encode(place: Place) -> str:
    """Encode *place* in characters that need no escaping in a URL."""
    text = f"{(place.at - _EPOCH) // _MICROSECOND}.{place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> Place:
    """Decode *cursor*; raise ValueError if it is not one of ours."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        microseconds, _, row_id = text.partition(".")
        place = Place(_EPOCH + int(microseconds) * _MICROSECOND, int(row_id))
    except (binascii.Error, UnicodeDecodeError, ValueError, OverflowError):
        raise ValueError("not a cursor: pass on the `next` of a page as it is") from None
    if not 0 <= place.id <= _ID_MAX or encode(place) != cursor:
        raise ValueError("not a cursor: pass on the `next` of a page as it is")
    return place
