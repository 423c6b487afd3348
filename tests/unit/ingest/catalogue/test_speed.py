"""Cost of a frame without news, and limits of all that grows."""

import time
from collections.abc import Callable

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


def best_milliseconds(catalogue: Catalogue, show: Callable[..., SourceEvent], count: int) -> float:
    """How long evidence without news takes; its names are new strings each time, as they are off the wire."""
    took = []
    for second in range(20):
        event = show(*many(count), after=second)
        started = time.perf_counter()
        result = catalogue.observe(event)
        took.append(time.perf_counter() - started)
        assert result.accepted
        assert result.sightings == ()
    return min(took) * 1000


def test_frame_of_three_thousand_symbols_without_news_takes_less_than_a_millisecond() -> None:
    assert best_milliseconds(on_first_start_with(3000), ticks, 3000) < 1


def test_names_without_news_take_a_few_milliseconds_at_most() -> None:
    assert best_milliseconds(on_first_start_with(3000), names, 3000) < 3


def test_frame_ten_times_as_large_takes_no_more_than_in_proportion() -> None:
    # Larger sets also miss the caches of the processor more often; in the square it would be a hundred times as long.
    assert best_milliseconds(on_first_start_with(30_000), ticks, 30_000) < 15


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
