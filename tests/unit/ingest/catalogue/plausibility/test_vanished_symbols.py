"""Many symbols that go at once: a stale list at first, and delisted once nothing has shown them for hours."""

from collections.abc import Sequence

from ingest.catalogue import Catalogue, SymbolState
from ingest.catalogue.plausibility.vanished_symbols import BATCH_MAX
from tests.support.data.evidence import OLD, REST, a_record, after_restart, seen, snapshot, states, ticks

HOUR = 3600
EVERY = 60
LOST = tuple(f"LOST{number:02}USDT" for number in range(15))
LEAVER, REST_OF = OLD[0], OLD[1:]


def a_return() -> Catalogue:
    """A catalogue that finds the lost symbols in the database, and has accepted a list without them."""
    catalogue = after_restart(*(a_record(symbol) for symbol in LOST))
    catalogue.observe(snapshot(*OLD))
    assert catalogue.observe(snapshot(*OLD)).accepted
    return catalogue


def gone_of(
    catalogue: Catalogue, start: int, end: int, listed: Sequence[str] = OLD, ticked: Sequence[str] = OLD
) -> dict[int, list[str]]:
    """Show *listed* and *ticked* each minute; return the symbols that are gone by the second of it."""
    gone = {}
    for second in range(start, end + 1, EVERY):
        if ticked:
            catalogue.observe(ticks(*ticked, after=second))
        changed = states(catalogue.observe(snapshot(*listed, after=second)).records)
        if symbols := [symbol for symbol, state in changed.items() if state is SymbolState.GONE]:
            gone[second] = symbols
    return gone


def test_symbols_delisted_while_ingest_was_away_are_gone_after_hours_in_batches() -> None:
    catalogue = a_return()

    gone = gone_of(catalogue, EVERY, 6 * HOUR + EVERY)

    assert gone == {6 * HOUR: list(LOST[:BATCH_MAX]), 6 * HOUR + EVERY: list(LOST[BATCH_MAX:])}
    assert seen(catalogue.observe(snapshot(*OLD, LOST[0], after=7 * HOUR))) == [(LOST[0], REST)]


def test_absences_are_withheld_from_their_confirmation_until_they_are_certain() -> None:
    catalogue = a_return()

    gone_of(catalogue, EVERY, 540)
    assert catalogue.vanished.withheld_count == 0
    gone_of(catalogue, 600, 6 * HOUR - EVERY)
    assert catalogue.vanished.withheld_count == len(LOST)
    gone_of(catalogue, 6 * HOUR, 6 * HOUR)
    assert catalogue.vanished.withheld_count == 0


def test_symbols_gone_for_certain_keep_no_other_from_being_gone() -> None:
    catalogue = a_return()
    gone_of(catalogue, EVERY, 6 * HOUR + EVERY)

    assert gone_of(catalogue, 7 * HOUR, 7 * HOUR + 600, REST_OF, REST_OF) == {7 * HOUR + 600: [LEAVER]}


def test_symbol_that_leaves_while_others_are_in_doubt_is_gone_once_they_are_certain() -> None:
    catalogue = a_return()
    gone_of(catalogue, EVERY, HOUR)

    gone = gone_of(catalogue, HOUR + EVERY, 6 * HOUR, REST_OF, REST_OF)

    assert gone == {6 * HOUR: [*LOST[:BATCH_MAX], LEAVER]}


def test_symbols_that_a_ticker_shows_are_not_gone_however_long_the_list_lacks_them() -> None:
    catalogue = a_return()
    gone_of(catalogue, EVERY, 5 * HOUR)
    catalogue.observe(ticks(*LOST, after=5 * HOUR + 1))

    assert gone_of(catalogue, 5 * HOUR + EVERY, 10 * HOUR) == {}


def test_symbols_do_not_all_go_while_the_tickers_are_away() -> None:
    catalogue = a_return()

    assert gone_of(catalogue, EVERY, 24 * HOUR, ticked=()) == {}
    assert catalogue.vanished.withheld_count == len(LOST)


def test_few_snapshots_make_nothing_certain_however_long_they_take() -> None:
    catalogue = a_return()
    for hour in range(1, 48):
        assert gone_of(catalogue, hour * HOUR, hour * HOUR) == {}


def test_start_over_withholds_nothing() -> None:
    catalogue = a_return()
    gone_of(catalogue, EVERY, HOUR)
    catalogue.reset([a_record(symbol) for symbol in OLD])

    assert catalogue.vanished.withheld_count == 0
