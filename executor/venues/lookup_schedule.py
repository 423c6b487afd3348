"""The ways to look for an order, and their times: cheap ones at every look, dear ones rarely. Pure data."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple


class Way(StrEnum):
    """A question whose answer shows an order, or that there is none."""

    EXCHANGE_ID = "by the exchange's id"
    CLIENT_ID = "by client id"
    OPEN_ORDERS = "open orders"
    ALL_ORDERS = "all orders"
    TRADES = "trades"
    BALANCE = "balance"
    """Of a sale: coins that are all there and free were not sold."""


class Rung(NamedTuple):
    """One way, its weight, and its times."""

    way: Way
    weight: int
    first_after_seconds: float
    """Since the order was decided on."""
    every_seconds: float
    """0: at every look."""


LADDER: Final[Sequence[Rung]] = (
    Rung(Way.EXCHANGE_ID, 2, 0, 0),
    Rung(Way.CLIENT_ID, 2, 0, 0),
    Rung(Way.OPEN_ORDERS, 3, 2, 10),
    Rung(Way.ALL_ORDERS, 10, 4, 30),
    Rung(Way.TRADES, 10, 4, 30),
    Rung(Way.BALANCE, 10, 2, 5),
)
"""Cheapest first; a look ends at the first way that shows the order."""
EVERY_WAY: Final = tuple(rung.way for rung in LADDER)
AGAIN_AFTER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (20, 60, 120, 300, 1_800, 21_600, 86_400, 259_200, 601_200)
)
"""When an order that was given up is looked for again, after that; the last time is an hour before it is forgotten."""
REMEMBERED: Final = timedelta(days=7)
"""For how long the exchange shows an order."""


def ways_due(tried: Mapping[Way, datetime], began: datetime, decisive: datetime, now: datetime) -> Sequence[Way]:
    """Return the ways to look in *now* for an order that was decided on when it *began*.

    From the *decisive* moment on, each way counts only where it was tried since.
    """
    return [rung.way for rung in LADDER if _is_due(rung, tried.get(rung.way), began, decisive, now)]


def _is_due(rung: Rung, tried_at: datetime | None, began: datetime, decisive: datetime, now: datetime) -> bool:
    if decisive < now and (tried_at is None or tried_at <= decisive):
        return True
    if now - began < timedelta(seconds=rung.first_after_seconds):
        return False
    return tried_at is None or abs(now - tried_at) >= timedelta(seconds=rung.every_seconds)


def times_due(given_up_at: datetime, now: datetime) -> int:
    """Return how often an order that was given up should have been looked for again by *now*."""
    return sum(now - given_up_at >= after for after in AGAIN_AFTER)
