"""Merge notices into one message. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from notifier.notices import Notice, Severity

LINES_MAX: Final = 15
CHARACTERS_MAX: Final = 1500
"""Below every service's limit: Discord 2,000, Telegram 4,096."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Message that is sent to one address."""

    title: str
    text: str
    severity: Severity
    count: int


def merged(notices: Sequence[Notice]) -> Digest:
    """Return *notices*, at least one, as one message, the most severe first."""
    if len(notices) == 1:
        [only] = notices
        return Digest(only.title, _cut(only.text), only.severity, 1)
    ordered = sorted(notices, key=lambda each: -each.severity.rank)
    lines = [f"{each.title}: {each.text}" if each.text else each.title for each in ordered[:LINES_MAX]]
    if len(ordered) > LINES_MAX:
        lines.append(f"and {len(ordered) - LINES_MAX} more: {_counts(ordered[LINES_MAX:])}")
    return Digest(f"{len(notices)} notices", _cut("\n".join(lines)), ordered[0].severity, len(notices))


def summary(held: Sequence[Notice]) -> Digest:
    """Return the message for *held* notices, at least one, at the end of quiet hours."""
    of_all = merged(held)
    return Digest(f"While it was quiet: {_counts(held)}", of_all.text, of_all.severity, len(held))


def _counts(notices: Sequence[Notice]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(each.kind for each in notices).items())


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS_MAX else f"{text[: CHARACTERS_MAX - 1]}…"
