"""Comparison of the published events with the script: nothing missed, nothing invented, nothing twice. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.events import Listing, ListingRescheduled
from tests.traffic.record import Record
from tests.traffic.steps import List, Move, Step
from tests.traffic.truth import Truth

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is wrong; as it is made, nothing is."""

    missed: Counter[str] = field(default_factory=Counter)
    """Listings, and moved openings, that happened and were not published."""
    invented: Counter[str] = field(default_factory=Counter)
    """Published without having happened, or once too often."""
    openings: Mapping[str, object] = field(default_factory=dict)
    """The wrong ones in published listings, of those that were known ahead."""
    refusals: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    misreads_unnoticed: int = 0
    disconnects_unnoticed: int = 0


def findings(record: Record, truth: Truth) -> Findings:
    """Compare *record* with the *truth*."""
    moved = [each for each in record.told if isinstance(each, ListingRescheduled)]
    listed = [each for each in record.told if isinstance(each, Listing) and not isinstance(each, ListingRescheduled)]
    told = Counter([each.key for each in listed]) + Counter([_moved(each.symbol, each.opens_at) for each in moved])
    happened = Counter(truth.opening.keys()) + Counter([_move(step, record) for step in truth.moves])
    ahead = {key: _opening(step, record) for key, step in truth.opening.items() if _is_ahead(step)}
    return Findings(
        missed=happened - told,
        invented=told - happened,
        openings={each.key: each.opens_at for each in listed if each.opens_at != ahead.get(each.key, each.opens_at)},
        refusals=record.refusals,
        dead_letters=record.dead_letters,
        misreads_unnoticed=truth.misreads - record.misreads,
        disconnects_unnoticed=truth.disconnects - record.disconnects,
    )


def _move(step: Step, record: Record) -> str:
    assert isinstance(step.action, Move)
    return _moved(step.action.symbol, _opening(step, record))


def _moved(symbol: str, opens_at: datetime | None) -> str:
    return f"{symbol} opens at {opens_at}"


def _is_ahead(step: Step) -> bool:
    return isinstance(step.action, Move) or (isinstance(step.action, List) and step.action.opens_in > 0)


def _opening(step: Step, record: Record) -> datetime:
    return _EPOCH + timedelta(milliseconds=record.opens_at_ms[step])
