"""The figures of a run, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from tests.traffic.memory import deviation
from tests.traffic.record import Reading, Record
from tests.traffic.truth import Truth

_MEGABYTE: Final = 1_000_000


def report(record: Record, truth: Truth, *, warm_after: float) -> str:
    """Return the figures as text."""
    kinds = Counter(each.event_type for each in record.told)
    lines = [
        f"listings: {len(truth.opening)} happened, {kinds['sniper.listing.detected']} told",
        f"openings moved: {len(truth.moves)} happened, {kinds['sniper.listing.rescheduled']} told",
        f"misreads of exchangeInfo: {truth.misreads} happened, {record.misreads} quarantined",
        f"disconnects: {truth.disconnects} happened, {record.disconnects} of the ticker stream noticed",
        f"requests: {dict(record.requests)}",
        f"refusals: {dict(record.refusals)}",
        f"dead letters: {record.dead_letters}",
    ]
    for name, readings in record.memory.items():
        lines.append(f"{name}: at most {deviation(readings, warm_after=warm_after):.1%} from the median of its memory")
        lines += _by_minute(readings)
    return "\n".join(lines)


def _by_minute(readings: Sequence[Reading]) -> Iterator[str]:
    for minute, group in groupby(readings, key=lambda reading: int(reading.at // 60)):
        sizes = [reading.resident_bytes / _MEGABYTE for reading in group]
        yield f"  minute {minute:2}: {min(sizes):.1f} to {max(sizes):.1f} MB"
