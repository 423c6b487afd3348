"""Absences, and the confirmed absence after which a return is a new listing."""

import pytest

from ingest.catalogue import Catalogue, SymbolRecord, SymbolState, Thresholds
from ingest.source import SourceEvent
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_record,
    after_first_start,
    after_restart,
    announced,
    at,
    first_trade,
    names,
    seen,
    snapshot,
    states,
    stored,
    ticks,
    told,
)

LEAVER, REST_OF = OLD[0], OLD[1:]


def until_gone(catalogue: Catalogue, after: float = 0, *symbols: str) -> float:
    """Leave the first old symbol out until it is gone; return when that was."""
    for second in (0, 150, 300, 450, 600):
        catalogue.observe(snapshot(*REST_OF, *symbols, after=after + second))
    return after + 600


def test_symbol_is_gone_after_enough_snapshots_and_enough_time() -> None:
    catalogue = after_first_start()
    for second in (0, 150, 300, 450):
        assert catalogue.observe(snapshot(*REST_OF, after=second)).records == ()

    result = catalogue.observe(snapshot(*REST_OF, after=600))

    assert states(result.records) == {LEAVER: SymbolState.GONE}
    assert [record.gone_since for record in result.records] == [at(600)]


def test_few_snapshots_do_not_make_it_gone_however_long_they_take() -> None:
    catalogue = after_first_start()

    for number in range(4):
        assert catalogue.observe(snapshot(*REST_OF, after=number * 3600)).records == ()


def test_many_snapshots_do_not_make_it_gone_before_its_time() -> None:
    catalogue = after_first_start()

    for second in range(599):
        assert catalogue.observe(snapshot(*REST_OF, after=second)).records == ()


@pytest.mark.parametrize("sign", [snapshot(*OLD, after=500), names(*OLD, after=500), ticks(LEAVER, after=500)])
def test_sign_of_life_starts_the_absence_anew(sign: SourceEvent) -> None:
    catalogue = after_first_start()
    for second in (0, 150, 300, 450):
        catalogue.observe(snapshot(*REST_OF, after=second))
    catalogue.observe(sign)

    assert catalogue.observe(snapshot(*REST_OF, after=600)).records == ()


def test_absence_is_counted_anew_after_a_restart() -> None:
    catalogue = after_restart()
    until_gone(catalogue)
    again = after_restart()
    for second in (1000, 1150, 1300, 1450):
        assert again.observe(snapshot(*REST_OF, after=second)).records == ()


def test_no_symbol_is_gone_while_as_many_are_missing_as_no_exchange_delists_at_once() -> None:
    catalogue = after_first_start()
    for number in range(20):
        catalogue.observe(snapshot(*OLD[11:], after=number * 100))

    assert catalogue.counts[SymbolState.TRADABLE] == len(OLD)
    assert catalogue.observe(snapshot(*OLD, after=3000)).sightings == ()


def test_symbols_that_no_snapshot_ever_shows_keep_no_other_from_being_gone() -> None:
    unlisted = tuple(f"WEB{number}USDT" for number in range(15))
    catalogue = Catalogue()
    for event in (ticks(*OLD, *unlisted), names(*OLD), snapshot(*OLD)):
        catalogue.observe(event)
    for second in (0, 150, 300, 450):
        catalogue.observe(snapshot(*REST_OF, after=second))
        catalogue.observe(ticks(*REST_OF, *unlisted, after=second))

    assert states(catalogue.observe(snapshot(*REST_OF, after=600)).records) == {LEAVER: SymbolState.GONE}


def test_symbols_of_tickers_alone_do_not_all_go_while_the_tickers_are_away() -> None:
    unlisted = tuple(f"WEB{number}USDT" for number in range(15))
    catalogue = Catalogue()
    for event in (ticks(*OLD, *unlisted), names(*OLD), snapshot(*OLD)):
        catalogue.observe(event)

    for second in range(0, 3600, 60):
        assert catalogue.observe(snapshot(*OLD, after=second)).records == ()


@pytest.mark.parametrize("back", [snapshot(*OLD, after=700), names(*OLD, after=700)])
def test_return_after_it_was_gone_is_a_new_listing(back: SourceEvent) -> None:
    catalogue = after_first_start()
    until_gone(catalogue)

    result = catalogue.observe(back)

    assert seen(result) == [(LEAVER, REST)]
    [sighting] = result.sightings
    assert (sighting.record.occurrence, sighting.record.first_seen_at) == (2, at(700))
    assert seen(catalogue.observe(ticks(LEAVER, after=701))) == [(LEAVER, WEBSOCKET)]
    assert catalogue.observe(snapshot(*OLD, after=702)).sightings == ()


def test_relist_is_not_stored_before_it_is_published() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)

    result = catalogue.observe(names(*OLD, after=700))

    assert result.records == ()
    [record] = stored(catalogue, result.sightings)
    assert (record.symbol, record.occurrence, record.gone_since) == (LEAVER, 2, None)


def test_ticks_and_trades_alone_do_not_bring_back_what_is_gone() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)

    for event in (ticks(LEAVER, after=700), first_trade(LEAVER, after=700)):
        result = catalogue.observe(event)
        assert (result.accepted, result.sightings, result.records) == (True, (), ())


def test_symbol_that_was_gone_before_a_restart_is_a_relist_after_it() -> None:
    gone = a_record("ABCUSDT", SymbolState.GONE, occurrence=3, gone_since=NOON)

    [sighting] = after_restart(gone).observe(snapshot(*OLD, "ABCUSDT", after=60)).sightings

    assert (sighting.record.occurrence, sighting.late) == (4, True)


def test_announced_relist_is_the_next_occurrence_and_may_begin_with_a_trade() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)
    [record] = catalogue.observe(announced(LEAVER, 3600, after=700)).records

    [sighting] = catalogue.observe(first_trade(LEAVER, after=3600)).sightings

    assert (record.state, record.occurrence, record.gone_since) == (SymbolState.ANNOUNCED, 2, None)
    assert sighting.record.occurrence == 2


def test_calendar_that_still_shows_the_old_listing_announces_no_relist() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)

    assert catalogue.observe(announced(LEAVER, -60, after=700)).records == ()


def test_relist_does_not_take_over_the_opening_of_the_listing_that_ended() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)
    info = a_symbol_info(LEAVER, first_open_time=at(-86_400))

    [sighting] = catalogue.observe(snapshot(*REST_OF, info, after=700)).sightings

    assert sighting.record.opens_at is None


def opened(seconds: float) -> SourceEvent:
    """A snapshot, now, whose first old symbol opened so long after noon."""
    return snapshot(*REST_OF, a_symbol_info(LEAVER, first_open_time=at(seconds)), after=800)


def test_relist_that_the_names_show_first_does_not_take_over_that_opening_either() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)
    catalogue.observe(names(*OLD, after=700))
    described = catalogue.observe(opened(-86_400))

    [sighting] = catalogue.observe(ticks(LEAVER, after=801)).sightings

    assert (described.rescheduled, sighting.record.occurrence, sighting.record.opens_at) == ((), 2, None)


def test_opening_of_the_relist_itself_counts_as_any_other() -> None:
    catalogue = after_first_start()
    until_gone(catalogue)
    catalogue.observe(names(*OLD, after=700))

    assert told(catalogue.observe(opened(3600))) == [3600]


@pytest.mark.parametrize(
    ("record", "stated", "opens_after"),
    [
        # Of a record from before the restart only what it holds is known: when the listing, or the word of it, came.
        (a_record(LEAVER, SymbolState.LISTED, occurrence=2, published=True), -2 * 86_400, None),
        (a_record(LEAVER, SymbolState.LISTED, occurrence=2, published=True), -86_400 - 60, -86_400 - 60),
        (a_record(LEAVER, SymbolState.ANNOUNCED, occurrence=2, opens_at=at(900)), -2 * 86_400, 900),
        (a_record(LEAVER, SymbolState.ANNOUNCED, occurrence=2, opens_at=at(900)), 3600, 3600),
        # One that appeared unwatched may have opened at any time.
        (a_record(LEAVER, SymbolState.LISTED, occurrence=2, published=True, late=True), -2 * 86_400, -2 * 86_400),
        # A first listing takes over nothing.
        (a_record(LEAVER, SymbolState.LISTED, published=True), -2 * 86_400, -2 * 86_400),
    ],
)
def test_relist_of_before_a_restart_takes_over_no_opening_from_before_it(
    record: SymbolRecord, stated: float, opens_after: float | None
) -> None:
    catalogue = Catalogue([*(a_record(symbol, trading_since=NOON) for symbol in REST_OF), record])
    result = catalogue.observe(opened(stated))

    known = {each.symbol: each.opens_at for each in (*result.records, *(each.record for each in result.sightings))}
    assert known.get(LEAVER) == (None if opens_after is None else at(opens_after))


def test_news_of_a_listing_that_has_ended_stores_that_it_was_and_not_the_next() -> None:
    catalogue = after_first_start()
    [first] = catalogue.observe(ticks("ABCUSDT")).sightings
    for second in (0, 150, 300, 450, 600):
        catalogue.observe(snapshot(*OLD, after=second))
    [relist] = catalogue.observe(names(*OLD, "ABCUSDT", after=700)).sightings

    [ended] = stored(catalogue, [first])
    [record] = stored(catalogue, [relist])

    assert (ended.state, ended.occurrence) == (SymbolState.GONE, 1)
    assert (record.state, record.occurrence) == (SymbolState.TRADABLE, 2)


def test_news_of_a_listing_that_has_ended_stores_the_announcement_of_the_next() -> None:
    catalogue = after_first_start()
    [first] = catalogue.observe(ticks("ABCUSDT")).sightings
    for second in (0, 150, 300, 450, 600):
        catalogue.observe(snapshot(*OLD, after=second))
    assert catalogue.observe(announced("ABCUSDT", 3600, after=700)).records == ()

    [record] = stored(catalogue, [first])

    assert (record.state, record.occurrence, record.published) == (SymbolState.ANNOUNCED, 2, False)


def test_trade_of_an_announced_relist_does_not_inherit_the_absence() -> None:
    catalogue = after_first_start()
    gone_at = until_gone(catalogue)
    catalogue.observe(announced(LEAVER, 3600, after=gone_at))
    catalogue.observe(first_trade(LEAVER, after=gone_at + 1))

    assert states(catalogue.observe(snapshot(*REST_OF, after=gone_at + 2)).records) == {}


def test_confirmation_and_time_are_settings() -> None:
    catalogue = after_first_start(rules=Thresholds(gone_reads=1))

    assert catalogue.observe(snapshot(*REST_OF, after=0)).records == ()
    assert states(catalogue.observe(snapshot(*REST_OF, after=600)).records) == {LEAVER: SymbolState.GONE}


def test_symbols_are_counted_by_state() -> None:
    catalogue = after_first_start(a_symbol_info("SOONUSDT", first_open_time=at(3600)))
    until_gone(catalogue, 0, "SOONUSDT")
    catalogue.observe(announced("ABCUSDT", 3600, after=601))
    catalogue.observe(names(*OLD[2:], after=602))

    assert {state: count for state, count in catalogue.counts.items() if count} == {
        SymbolState.ANNOUNCED: 1,
        SymbolState.LISTED: 1,
        SymbolState.TRADABLE: len(OLD) - 2,
        SymbolState.SUSPENDED: 1,
        SymbolState.GONE: 1,
    }
