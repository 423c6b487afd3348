"""Cost of a frame without news, and limits of all that grows."""

import time
from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue, Thresholds
from ingest.source import SourceEvent
from tests.support.data.evidence import OLD, after_first_start, announced, names, snapshot, stored, ticks


def many(count: int) -> tuple[str, ...]:
    return tuple(f"MANY{number}USDT" for number in range(count))


def on_first_start_with(count: int) -> Catalogue:
    catalogue = Catalogue()
    for event in (ticks(*many(count), after=-1), names(*many(count)), snapshot(*many(count))):
        catalogue.observe(event)
    return catalogue


def best_seconds(catalogue: Catalogue, show: Callable[..., SourceEvent], count: int) -> tuple[float, float]:
    """Return how long evidence without news takes, and its floor: two differences of sets as large.

    The names are new strings each time, as they are off the wire.
    """
    took, floor, known = [], [], frozenset(many(count))
    for second in range(20):
        event, names_again = show(*many(count), after=second), frozenset(many(count))
        started = time.perf_counter()
        result = catalogue.observe(event)
        took.append(time.perf_counter() - started)
        assert result.accepted
        assert result.sightings == ()
        started = time.perf_counter()
        assert not names_again - known
        assert not known - names_again
        floor.append(time.perf_counter() - started)
    return min(took), min(floor)


@pytest.mark.parametrize(("show", "times"), [(ticks, 4), (names, 12)])
def test_evidence_without_news_takes_a_few_differences_of_sets(show: Callable[..., SourceEvent], times: int) -> None:
    took, floor = best_seconds(on_first_start_with(3000), show, 3000)

    assert took < times * floor


def test_frame_ten_times_as_large_takes_no_more_than_in_proportion() -> None:
    took, floor = best_seconds(on_first_start_with(30_000), ticks, 30_000)

    # In the square it would be ten times as much.
    assert took < 4 * floor


def test_flood_of_names_is_neither_kept_nor_published() -> None:
    catalogue = after_first_start(rules=Thresholds(symbols_max=200))
    for number in range(300):
        flood = tuple(f"FLOOD{number}N{each}USDT" for each in range(60))
        for event in (
            ticks(*flood, after=number),
            names(*OLD, *flood, after=number),
            announced(flood[0], number + 60, after=number),
        ):
            assert catalogue.observe(event).sightings == ()

    assert sum(catalogue.counts.values()) <= 200


def test_drip_of_names_stops_at_the_limit() -> None:
    catalogue = after_first_start(rules=Thresholds(symbols_max=200))
    published = 0
    for number in range(400):
        sightings = catalogue.observe(names(*OLD, f"DRIP{number}USDT", after=number)).sightings
        stored(catalogue, sightings)
        published += len(sightings)

    assert published == 200 - len(OLD)
