"""Long evidence is taken in step by step, with the same outcome as in one go."""

from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue, ObservationResult
from ingest.source import SourceEvent
from ingest.stepwise import SYMBOLS_PER_STEP, difference, run_to_end
from tests.support.data.evidence import names, snapshot, stored, ticks

MANY = tuple(f"MANY{number}USDT" for number in range(2_000))
FRESH = tuple(f"FRESH{number}USDT" for number in range(10))


def in_steps(catalogue: Catalogue, event: SourceEvent, between: Callable[[], object]) -> tuple[ObservationResult, int]:
    """What follows from *event*, and in how many steps; *between* them others have their turn."""
    steps, count = catalogue.observe_in_steps(event), 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1
        between()


def test_first_start_and_what_follows_come_out_the_same_in_steps() -> None:
    whole, cut = Catalogue(), Catalogue()
    for event in (
        names(*MANY),
        snapshot(*MANY),
        names(*MANY, *FRESH, after=1),
        snapshot(*MANY, *FRESH, after=2),
        snapshot(*MANY[:-5], *FRESH, after=3),
    ):
        at_once = whole.observe(event)
        result, _ = in_steps(cut, event, between=lambda: None)
        assert result.sightings == at_once.sightings
        assert {each.symbol: each for each in result.records} == {each.symbol: each for each in at_once.records}
        assert result.accepted == at_once.accepted
    assert cut.counts == whole.counts


def test_first_snapshot_is_taken_in_by_many_steps() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*MANY))

    _, count = in_steps(catalogue, snapshot(*MANY), between=lambda: None)

    assert count >= len(MANY) / SYMBOLS_PER_STEP


def test_sightings_that_become_safe_between_two_steps_disturb_nothing() -> None:
    catalogue = Catalogue()
    for event in (ticks(*MANY, after=-1), names(*MANY), snapshot(*MANY)):
        catalogue.observe(event)
    unsafe = list(catalogue.observe(ticks(*FRESH, after=1)).sightings)

    result, _ = in_steps(
        catalogue,
        snapshot(*MANY, *FRESH, after=2),
        between=lambda: stored(catalogue, [unsafe.pop()] if unsafe else []),
    )

    assert unsafe == []
    assert len(result.sightings) == len(FRESH)
    assert all(record.published for record in result.records if record.symbol in FRESH)


@pytest.mark.parametrize("count", [0, 1, 4_000, 10_000])
def test_difference_in_steps_is_the_difference(count: int) -> None:
    symbols, others = {f"A{number}" for number in range(count)}, {f"A{number}" for number in range(0, count, 3)}

    assert run_to_end(difference(symbols, others)) == symbols - others
    assert run_to_end(difference(others, symbols)) == set()
    assert run_to_end(difference(symbols, symbols)) == set()
