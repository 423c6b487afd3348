"""Symbols nearest to their opening. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ingest.source_events import Upcoming
from shared.mexc.streams.symbol_channels import can_be_followed


def nearest(upcoming: Iterable[Upcoming], now: datetime, at_most: int) -> list[str]:
    """Return the symbols nearest to their opening, past or to come; those without a known opening come last."""

    def distance(each: Upcoming) -> tuple[timedelta, str]:
        return (timedelta.max if each.opens_at is None else abs(each.opens_at - now)), each.symbol

    followable = [each for each in upcoming if can_be_followed(each.symbol)]
    return [each.symbol for each in sorted(followable, key=distance)[:at_most]]
