"""Long evidence is taken in step by step, with the same outcome as in one go."""

from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue, Findings
from ingest.cooperative import SYMBOLS_PER_STEP, in_one_go, without
from ingest.source_events import Evidence
from tests.support.data.evidence import names, snapshot, stored, ticks

MANY = tuple(f"MANY{number}USDT" for number in range(2_000))
FRESH = tuple(f"FRESH{number}USDT" for number in range(10))


def in_steps(catalogue: Catalogue, evidence: Evidence, between: Callable[[], object]) -> tuple[Findings, int]:
    """What follows from *evidence*, and in how many steps; *between* them others have their turn."""
    steps, count = catalogue.observing(evidence), 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1
        between()


def test_first_start_and_what_follows_come_out_the_same_in_steps() -> None:
    whole, cut = Catalogue(), Catalogue()
    for evidence in (
        names(*MANY),
        snapshot(*MANY),
        names(*MANY, *FRESH, after=1),
        snapshot(*MANY, *FRESH, after=2),
        snapshot(*MANY[:-5], *FRESH, after=3),
    ):
        at_once = whole.observe(evidence)
        findings, _ = in_steps(cut, evidence, between=lambda: None)
        assert findings.sightings == at_once.sightings
        assert {each.symbol: each for each in findings.records} == {each.symbol: each for each in at_once.records}
        assert findings.believed == at_once.believed
    assert cut.counts == whole.counts


def test_first_snapshot_is_taken_in_by_many_steps() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(*MANY))

    _, count = in_steps(catalogue, snapshot(*MANY), between=lambda: None)

    assert count >= len(MANY) / SYMBOLS_PER_STEP


def test_sightings_that_become_safe_between_two_steps_disturb_nothing() -> None:
    catalogue = Catalogue()
    for evidence in (ticks(*MANY, after=-1), names(*MANY), snapshot(*MANY)):
        catalogue.observe(evidence)
    unsafe = list(catalogue.observe(ticks(*FRESH, after=1)).sightings)

    findings, _ = in_steps(
        catalogue,
        snapshot(*MANY, *FRESH, after=2),
        between=lambda: stored(catalogue, [unsafe.pop()] if unsafe else []),
    )

    assert unsafe == []
    assert len(findings.sightings) == len(FRESH)
    assert all(known.published for known in findings.records if known.symbol in FRESH)


@pytest.mark.parametrize("count", [0, 1, 4_000, 10_000])
def test_difference_in_steps_is_the_difference(count: int) -> None:
    symbols, others = {f"A{number}" for number in range(count)}, {f"A{number}" for number in range(0, count, 3)}

    assert in_one_go(without(symbols, others)) == symbols - others
    assert in_one_go(without(others, symbols)) == set()
    assert in_one_go(without(symbols, symbols)) == set()
