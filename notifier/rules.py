"""Rules of notices: kinds and severities that are sent, and quiet hours. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from notifier.notices import Kind, Notice, Severity

OFF: Final = "off"
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")

Rules = Mapping[Kind, Severity | None]
"""Least severity of each kind that is sent; None for none."""

DEFAULT_RULES: Final[Rules] = MappingProxyType(
    {
        Kind.LISTING: Severity.INFO,
        Kind.OPENING: Severity.INFO,
        Kind.PURCHASE: Severity.INFO,
        Kind.REFUSAL: None,
        Kind.EXIT: Severity.INFO,
        Kind.HALT: Severity.INFO,
        Kind.HEALTH: Severity.WARNING,
    }
)


def parse_rules(text: str) -> Rules:
    """Return the default rules with changes by *text*: ``listing=off health=error``, separated by blanks or commas.

    Raises ValueError naming the kind or the position of the invalid part, never its text.
    """
    rules = dict(DEFAULT_RULES)
    for number, part in enumerate(re.findall(r"[^\s,]+", text), start=1):
        kind, _, severity = part.partition("=")
        if kind not in set(Kind):
            raise ValueError(f"rule {number}: its kind is not one of {', '.join(Kind)}")
        if severity != OFF and severity not in set(Severity):
            raise ValueError(f"{kind}: its severity is not one of {', '.join(Severity)}, {OFF}")
        rules[Kind(kind)] = None if severity == OFF else Severity(severity)
    return MappingProxyType(rules)


def is_wanted(notice: Notice, rules: Rules) -> bool:
    """Return whether *rules* let *notice* through."""
    least = rules[notice.kind]
    return least is not None and notice.severity.rank >= least.rank


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Time of day from begin to end, across midnight where the end is earlier; empty where both are equal."""

    begins: time
    ends: time
    zone: ZoneInfo

    def hold(self, notice: Notice, now: datetime) -> bool:
        """Return whether *notice* is held until the end; errors never are."""
        return notice.severity is not Severity.ERROR and self.cover(now)

    def cover(self, now: datetime) -> bool:
        """Return whether *now*, an aware time, is within these hours."""
        at = now.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def parse_quiet_hours(text: str, zone: ZoneInfo) -> QuietHours:
    """Return the hours of ``22:00-07:00``; raise ValueError for anything else."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be two times of day such as 22:00-07:00")
    first, second, third, fourth = (int(part) for part in found.groups())
    return QuietHours(time(first, second), time(third, fourth), zone)
