"""Client order id: the idempotency key of an order, the same for every delivery of its listing. Pure."""

import base64
import hashlib
import re
from typing import Final

from shared.events import ListingKey, Mode, Side

_OURS: Final = re.compile(r"sn[A-Z2-7]{26}")


def client_order_id(key: ListingKey, mode: Mode, side: Side, sequence: int = 1, *, attempt: int = 1) -> str:
    """Return 28 letters and digits; MEXC takes up to 32 of them, hyphens and underscores."""
    nth = "" if sequence == 1 else f"|{sequence}"
    again = "" if attempt == 1 else f"|attempt {attempt}"
    digest = hashlib.sha256(f"{key}|{mode}|{side}{nth}{again}".encode()).digest()
    return f"sn{base64.b32encode(digest[:20]).decode()[:26]}"


def is_ours(text: str) -> bool:
    """Return whether *text* has the form of the ids of this project."""
    return _OURS.fullmatch(text) is not None
