"""A coin that is withdrawn before it ever traded, and comes back: the same listing, whose opening moved."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import pytest

from ingest.catalogue import Catalogue, SymbolRecord, SymbolState
from ingest.source import SourceEvent
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import (
    OLD,
    a_record,
    after_first_start,
    after_restart,
    announced,
    at,
    first_trade,
    names,
    opening,
    snapshot,
    states,
    stored,
    ticks,
    told,
)

CLOSED = a_symbol_info("ABCUSDT", api_allowed=False)


def absent(catalogue: Catalogue, after: int) -> tuple[int, list[SymbolRecord]]:
    """Leave ABCUSDT out until that is confirmed; return when that was, and what it stores of it."""
    records: list[SymbolRecord] = []
    for second in range(after, after + 611, 10):
        records += catalogue.observe(snapshot(*OLD, after=second)).records
        catalogue.observe(ticks(*OLD, after=second))
    return after + 610, [record for record in records if record.symbol == "ABCUSDT"]


def watched(catalogue: Catalogue, seconds: Iterable[int], *symbols: str | SymbolInfo) -> None:
    """Show *symbols* in snapshots beside the tickers of the old ones."""
    for second in seconds:
        catalogue.observe(ticks(*OLD, after=second))
        stored(catalogue, catalogue.observe(snapshot(*OLD, *symbols, after=second)).sightings)


@pytest.fixture
def withdrawn(listed: Catalogue) -> Catalogue:
    """ABCUSDT was to open in an hour, and is on no list any more."""
    absent(listed, after=10)
    return listed


def test_listing_that_is_withdrawn_before_its_opening_is_as_good_as_announced(listed: Catalogue) -> None:
    _, records = absent(listed, after=10)

    assert [(each.state, each.occurrence, each.opens_at, each.gone_since) for each in records] == [
        (SymbolState.ANNOUNCED, 1, None, None)
    ]
    assert [each.symbol for each in listed.upcoming(at(620))] == ["ABCUSDT"]


def test_return_with_another_opening_is_the_same_listing_for_each_source(withdrawn: Catalogue) -> None:
    back = withdrawn.observe(snapshot(*OLD, opening(9000), after=625))
    ticked = withdrawn.observe(ticks("ABCUSDT", after=626))

    sightings = (*back.sightings, *ticked.sightings)
    assert [(each.record.occurrence, each.record.opens_at, each.late) for each in sightings] == [
        (1, at(9000), False)
    ] * 2
    assert told(withdrawn.observe(snapshot(*OLD, opening(9600), after=627))) == [9600]


def test_return_is_stored_once_it_is_published(withdrawn: Catalogue) -> None:
    result = withdrawn.observe(snapshot(*OLD, opening(9000), after=700))

    assert result.records == ()
    [record] = stored(withdrawn, result.sightings)
    assert (record.state, record.occurrence, record.opens_at, record.published) == (
        SymbolState.LISTED,
        1,
        at(9000),
        True,
    )


def test_withdrawn_listing_of_before_a_restart_is_the_same_when_it_returns(listed: Catalogue) -> None:
    _, [record] = absent(listed, after=10)
    restarted = after_restart(record)

    [sighting] = restarted.observe(snapshot(*OLD, opening(9000), after=700)).sightings

    assert (sighting.record.occurrence, sighting.record.opens_at) == (1, at(9000))


def test_opening_that_passes_within_the_absence_did_not_take_place() -> None:
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(60))).sightings)

    _, records = absent(catalogue, after=50)

    assert [record.state for record in records] == [SymbolState.ANNOUNCED]


def test_calendar_states_the_next_opening_of_a_withdrawn_listing(withdrawn: Catalogue) -> None:
    result = withdrawn.observe(announced("ABCUSDT", 9000, after=650))

    assert [(each.state, each.occurrence, each.opens_at) for each in result.records] == [
        (SymbolState.ANNOUNCED, 1, at(9000))
    ]
    [sighting] = withdrawn.observe(names(*OLD, "ABCUSDT", after=700)).sightings
    assert (sighting.record.occurrence, sighting.record.opens_at) == (1, at(9000))


def back_by_names(catalogue: Catalogue, after: int) -> None:
    watched(catalogue, range(after - 80, after, 10))
    [sighting] = stored_of(catalogue, names(*OLD, "ABCUSDT", after=after))
    assert sighting.opens_at is None


def stored_of(catalogue: Catalogue, event: SourceEvent) -> Sequence[SymbolRecord]:
    return stored(catalogue, catalogue.observe(event).sightings)


@pytest.mark.parametrize(
    "sign", [ticks(*OLD, "ABCUSDT", after=703, price=Decimal(1)), first_trade("ABCUSDT", after=703)]
)
def test_return_without_an_opening_is_told_to_open_as_soon_as_it_trades(
    withdrawn: Catalogue, sign: SourceEvent
) -> None:
    """Whoever heard of the listing waits for the opening that was stated first."""
    back_by_names(withdrawn, after=700)

    [sighting] = withdrawn.observe(sign).sightings

    assert (sighting.record.occurrence, sighting.record.opens_at) == (1, at(703))


@pytest.mark.parametrize("is_restarted", [False, True])
def test_return_with_a_ticker_is_told_to_open_with_it(listed: Catalogue, *, is_restarted: bool) -> None:
    _, [record] = absent(listed, after=10)
    catalogue = after_restart(record) if is_restarted else listed
    watched(catalogue, range(620, 700, 10))

    [sighting] = catalogue.observe(ticks(*OLD, "ABCUSDT", after=700, price=Decimal(1))).sightings

    assert (sighting.record.occurrence, sighting.record.opens_at) == (1, at(700))


def test_opening_of_a_moment_ago_is_told_of_what_came_back_without_one(withdrawn: Catalogue) -> None:
    back_by_names(withdrawn, after=700)

    assert told(withdrawn.observe(snapshot(*OLD, opening(699), after=701))) == [699]


def test_opening_of_long_ago_is_not_told_of_what_came_back_without_one(withdrawn: Catalogue) -> None:
    back_by_names(withdrawn, after=700)

    assert told(withdrawn.observe(snapshot(*OLD, opening(-86_400), after=701))) == []


def test_listing_that_was_shown_closed_under_watch_alone_never_traded() -> None:
    catalogue = after_first_start()
    watched(catalogue, range(10, 20, 10))
    watched(catalogue, range(20, 60, 10), CLOSED)

    _, records = absent(catalogue, after=60)

    assert [record.state for record in records] == [SymbolState.ANNOUNCED]


def shown_open() -> Catalogue:
    catalogue = after_first_start()
    watched(catalogue, range(10, 20, 10))
    watched(catalogue, range(20, 60, 10), "ABCUSDT")
    return catalogue


def named() -> Catalogue:
    catalogue = after_first_start()
    watched(catalogue, range(10, 20, 10))
    stored_of(catalogue, names(*OLD, "ABCUSDT", after=20))
    watched(catalogue, range(20, 60, 10), CLOSED)
    return catalogue


def ticked() -> Catalogue:
    catalogue = after_first_start()
    watched(catalogue, range(10, 20, 10))
    watched(catalogue, range(20, 60, 10), CLOSED)
    stored_of(catalogue, ticks("ABCUSDT", after=55))
    return catalogue


def traded_early() -> Catalogue:
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(3600))).sightings)
    stored_of(catalogue, first_trade("ABCUSDT", after=55))
    return catalogue


def ticked_before_its_opening() -> Catalogue:
    catalogue = after_first_start()
    closed = a_symbol_info("ABCUSDT", api_allowed=False, first_open_time=at(40))
    watched(catalogue, range(10, 20, 10))
    watched(catalogue, range(20, 30, 10), closed)
    stored_of(catalogue, ticks("ABCUSDT", after=30, price=Decimal(1)))
    watched(catalogue, range(40, 60, 10), closed)
    return catalogue


def seen_by_lists_alone() -> Catalogue:
    catalogue = after_first_start()
    for second in range(10, 60, 10):
        stored_of(catalogue, snapshot(*OLD, CLOSED, after=second))
    return catalogue


def there_at_the_first_start() -> Catalogue:
    return after_first_start(opening(3600))


def opened_while_we_were_down() -> Catalogue:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-60), published=True))
    catalogue.observe(snapshot(*OLD, after=50))
    return catalogue


@pytest.mark.parametrize(
    "past",
    [
        shown_open,
        named,
        ticked,
        traded_early,
        ticked_before_its_opening,
        seen_by_lists_alone,
        there_at_the_first_start,
        opened_while_we_were_down,
    ],
)
def test_listing_that_may_have_traded_is_gone_and_its_return_a_new_one(past: Callable[[], Catalogue]) -> None:
    catalogue = past()

    then, records = absent(catalogue, after=60)

    assert states(records) == {"ABCUSDT": SymbolState.GONE}
    back = catalogue.observe(snapshot(*OLD, opening(9000), after=then + 1))
    assert [(each.record.symbol, each.record.occurrence) for each in back.sightings] == [("ABCUSDT", 2)]


def test_withdrawn_listing_that_trades_after_all_is_gone_when_it_goes_again(withdrawn: Catalogue) -> None:
    watched(withdrawn, range(620, 700, 10))
    stored_of(withdrawn, snapshot(*OLD, opening(710), after=700))
    stored_of(withdrawn, first_trade("ABCUSDT", after=710))

    then, records = absent(withdrawn, after=720)

    assert records[-1].state is SymbolState.GONE
    [sighting] = withdrawn.observe(names(*OLD, "ABCUSDT", after=then + 1)).sightings
    assert sighting.record.occurrence == 2
