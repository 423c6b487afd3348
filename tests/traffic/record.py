"""Record of a played script: the published events, and the counts of the exchange and the services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.events import Event
from tests.traffic.steps import Step


class Reading(NamedTuple):
    """Resident memory at a moment, in seconds since the first reading."""

    at: float
    resident_bytes: float


@dataclass(frozen=True, slots=True)
class Record:
    told: Sequence[Event]
    """Every listing.* event, in the order they came."""
    opens_at_ms: Mapping[Step, int]
    """When each listing, and each moved one, opens by the exchange's word."""
    requests: Mapping[str, int]
    refusals: Mapping[str, int]
    """For the rate limits; both by endpoint, by the exchange's count."""
    misreads: int
    disconnects: int
    """As ingest noticed them."""
    dead_letters: int
    memory: Mapping[str, Sequence[Reading]]
    """Of each process."""
