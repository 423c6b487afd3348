"""A symbol that opens later than announced: the first sign of trading is reported as its opening."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from ingest.catalogue import Catalogue, SymbolState
from ingest.source import SourceEvent
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import (
    OLD,
    REST,
    a_record,
    after_first_start,
    after_restart,
    announced,
    at,
    first_trade,
    names,
    opening,
    seen,
    snapshot,
    stored,
    ticks,
    told,
    watch,
)


def tick(after: float) -> SourceEvent:
    return ticks(*OLD, "ABCUSDT", after=after, price=Decimal(2))


def deal(after: float) -> SourceEvent:
    return first_trade("ABCUSDT", after=after)


@pytest.fixture
def reported(listed: Catalogue) -> Catalogue:
    """ABCUSDT, reported by both sources, is tradable by its name when its time comes."""
    stored(listed, listed.observe(ticks("ABCUSDT", after=1, price=Decimal(1))).sightings)
    stored(listed, listed.observe(names(*OLD, "ABCUSDT", after=2)).sightings)
    listed.observe(names(*OLD, "ABCUSDT", after=3600))
    watch(listed, until=3670)
    return listed


def test_symbol_that_opens_70_s_later_than_it_said_is_told_by_its_first_deal(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))

    assert told(result) == [3670]
    assert (result.rescheduled[0].observed_at, result.rescheduled[0].late) == (at(3670), False)


def test_symbol_that_opens_late_is_told_by_a_ticker_that_shows_more_than_before(reported: Catalogue) -> None:
    assert told(reported.observe(ticks("ABCUSDT", after=3668, price=Decimal(1)))) == []
    assert told(reported.observe(ticks("ABCUSDT", after=3670, price=Decimal("1.1")))) == [3670]


def test_symbol_that_opens_late_is_told_by_its_first_ticker(listed: Catalogue) -> None:
    watch(listed, until=3670)

    result = listed.observe(tick(3670))

    assert [sighting.record.opens_at for sighting in result.sightings] == [at(3670)]


def test_symbol_is_followed_past_its_opening_for_as_long_as_it_does_not_trade(reported: Catalogue) -> None:
    assert [each.symbol for each in reported.upcoming(at(3669))] == ["ABCUSDT"]
    reported.observe(deal(3670))
    assert reported.upcoming(at(3670)) == []


def test_late_opening_is_told_once(reported: Catalogue) -> None:
    reported.observe(deal(3670))

    for event in (deal(3671), tick(3672), snapshot(*OLD, opening(3600), after=3673), deal(3680)):
        assert told(reported.observe(event)) == []


@pytest.mark.parametrize("sign", [deal, tick])
def test_listing_without_an_opening_is_told_to_open_when_it_first_trades(sign: Callable[[float], SourceEvent]) -> None:
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(names(*OLD, "ABCUSDT", after=1)).sightings)
    watch(catalogue, until=300)

    [sighting] = catalogue.observe(sign(300)).sightings

    assert sighting.record.opens_at == at(300)


def test_listing_that_trades_at_once_is_told_no_opening() -> None:
    catalogue = after_first_start()
    catalogue.observe(names(*OLD, "ABCUSDT", after=1))
    watch(catalogue, until=5)

    [sighting] = catalogue.observe(tick(5)).sightings

    assert sighting.record.opens_at is None


@pytest.mark.parametrize("sign", [deal, tick])
def test_first_sign_behind_a_gap_stands_for_no_later_moment_than_the_gap_began(
    reported: Catalogue, sign: Callable[[float], SourceEvent]
) -> None:
    watch(reported, until=3700)
    # Nothing came for five minutes: it may trade since 3699.
    result = reported.observe(sign(4000))

    assert told(result) == [3699]


def test_first_sign_after_a_restart_does_not_make_an_opening_of_long_ago_a_new_one() -> None:
    waits = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-1000), published=True)
    catalogue = after_restart(waits)
    catalogue.observe(ticks(*OLD, after=1))

    result = catalogue.observe(first_trade("ABCUSDT", after=2))

    assert (told(result), result.sightings) == ([], ())
    assert [record.trading_since for record in result.records] == [at(2)]


def test_opening_that_comes_after_a_restart_is_told_once_the_tickers_were_watched_without_it() -> None:
    waits = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-10), published=True)
    catalogue = after_restart(waits)
    watch(catalogue, until=75)

    assert told(catalogue.observe(deal(75))) == [75]


@pytest.mark.parametrize("watched", [11, 49])
def test_opening_soon_after_a_restart_may_have_been_missed(watched: int) -> None:
    waits = a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(-10), published=True)
    catalogue = after_restart(waits)
    for second in range(1, watched + 1, 12):
        catalogue.observe(ticks(*OLD, after=second))

    assert told(catalogue.observe(deal(watched + 1))) == []


def test_gap_of_any_length_is_made_up_for_by_watching_as_long(reported: Catalogue) -> None:
    for second in (3720, 3732, 3744, 3756):
        reported.observe(ticks(*OLD, after=second))

    # Nothing came from 3669 to 3720, and 37 s are not 51.
    assert told(reported.observe(deal(3757))) == [3669]


@pytest.mark.parametrize("sign", [deal, tick])
def test_first_sign_of_a_symbol_that_appeared_unwatched_is_no_opening(sign: Callable[[float], SourceEvent]) -> None:
    catalogue = after_restart()
    stored(catalogue, catalogue.observe(snapshot(*OLD, "ABCUSDT", after=1)).sightings)

    results = [catalogue.observe(sign(second)) for second in (3, 15, 30)]

    assert [told(result) for result in results] == [[], [], []]
    assert [sighting.record.opens_at for result in results for sighting in result.sightings] == [None]


@pytest.mark.parametrize("sign", [deal, tick])
def test_symbol_that_appeared_unwatched_and_trades_has_no_opening_for_any_source(
    sign: Callable[[float], SourceEvent],
) -> None:
    catalogue = after_restart()
    first = catalogue.observe(sign(1)), catalogue.observe(deal(2))
    later = [catalogue.observe(names(*OLD, "ABCUSDT", after=3)), catalogue.observe(snapshot(*OLD, "ABCUSDT", after=4))]

    sightings = [sighting for result in (*first, *later) for sighting in result.sightings]
    assert [(sighting.late, sighting.record.opens_at) for sighting in sightings] == [(True, None)] * 2
    assert [told(result) for result in (*first, *later)] == [[]] * 4


def test_symbol_that_appeared_unwatched_and_was_seen_to_trade_opens_no_later_whoever_says_so() -> None:
    catalogue = after_restart()
    stored(catalogue, catalogue.observe(deal(1)).sightings)
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(None), after=3)).sightings)

    assert told(catalogue.observe(snapshot(*OLD, opening(3600), after=4))) == []
    assert told(catalogue.observe(announced("ABCUSDT", 3600, after=5))) == []
    watch(catalogue, until=80)
    assert told(catalogue.observe(deal(80))) == []


def test_first_sign_after_a_second_restart_is_no_opening_of_what_appeared_unwatched_before_it() -> None:
    catalogue = after_restart()
    [late] = stored(catalogue, catalogue.observe(snapshot(*OLD, "ABCUSDT", after=1)).sightings)

    again = after_restart(late)

    assert told(again.observe(tick(5))) == []


@pytest.mark.parametrize("sign", [deal, tick])
def test_symbol_that_appeared_unwatched_opens_when_it_trades_after_a_minute_without(
    sign: Callable[[float], SourceEvent],
) -> None:
    catalogue = after_restart()
    stored(catalogue, catalogue.observe(snapshot(*OLD, "ABCUSDT", after=1)).sightings)
    watch(catalogue, until=80)

    [sighting] = catalogue.observe(sign(80)).sightings

    assert (sighting.record.opens_at, sighting.late) == (at(80), True)


def test_trade_before_its_opening_of_a_symbol_that_appeared_unwatched_is_no_other_opening() -> None:
    """The exchange contradicts itself: what waits for the opening it stated goes on waiting."""
    catalogue = after_restart()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(3600), after=1)).sightings)

    result = catalogue.observe(deal(2))

    assert (told(result), [sighting.record.opens_at for sighting in result.sightings]) == ([], [at(3600)])


def test_opening_by_exchange_info_that_has_passed_is_told_of_what_waits_though_a_trade_was_seen() -> None:
    catalogue = after_restart()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(3600), after=1)).sightings)
    stored(catalogue, catalogue.observe(deal(2)).sightings)

    assert told(catalogue.observe(snapshot(*OLD, opening(-1200), after=3))) == [-1200]


def test_symbol_that_trades_before_its_announced_opening_and_appeared_unwatched_has_no_known_opening() -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(3600)))

    [sighting] = catalogue.observe(deal(1)).sightings
    later = [catalogue.observe(announced("ABCUSDT", 3600, after=2)), catalogue.observe(snapshot(*OLD, opening(3600)))]

    assert (sighting.late, sighting.record.opens_at) == (True, None)
    assert [told(result) for result in later] == [[], []]


@pytest.mark.parametrize("sign", [deal, tick])
def test_first_sign_of_a_symbol_that_appeared_long_after_its_stated_opening_is_no_opening(
    sign: Callable[[float], SourceEvent],
) -> None:
    for catalogue in (after_restart(), after_first_start()):
        stored(catalogue, catalogue.observe(snapshot(*OLD, opening(-86_400), after=1)).sightings)
        watch(catalogue, until=80)

        result = catalogue.observe(sign(80))

        assert (told(result), [sighting.record.opens_at for sighting in result.sightings]) == ([], [at(-86_400)])


def seen_by_lists_alone(until: int) -> Catalogue:
    """A catalogue whose tickers are silent from 1 until *until*, and whose lists show ABCUSDT, closed, from 60 on."""
    catalogue = after_first_start()
    catalogue.observe(ticks(*OLD, after=1))
    for second in range(15, until, 15):
        shown = [a_symbol_info("ABCUSDT", api_allowed=False)] if second >= 60 else []
        stored(catalogue, catalogue.observe(snapshot(*OLD, *shown, after=second)).sightings)
    return catalogue


@pytest.mark.parametrize("sign", [deal, tick])
def test_symbol_that_appeared_within_a_gap_of_the_tickers_may_have_opened_since(
    sign: Callable[[float], SourceEvent],
) -> None:
    catalogue = seen_by_lists_alone(until=600)
    catalogue.observe(ticks(*OLD, after=600))

    [sighting] = catalogue.observe(sign(612)).sightings

    assert (sighting.late, sighting.record.opens_at) == (False, at(60))


@pytest.mark.parametrize("sign", [deal, tick])
def test_symbol_that_appeared_within_a_gap_of_the_tickers_is_watched_for_as_long_as_it_was_there_unseen(
    sign: Callable[[float], SourceEvent],
) -> None:
    catalogue = seen_by_lists_alone(until=90)
    for second in (90, 102, 114):
        catalogue.observe(ticks(*OLD, after=second))

    [sighting] = catalogue.observe(sign(121)).sightings

    assert sighting.record.opens_at == at(121)


def test_first_trade_of_an_announced_symbol_that_no_list_showed_is_no_opening_after_a_restart() -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(-300)))

    [sighting] = catalogue.observe(deal(2)).sightings

    assert (sighting.record.opens_at, sighting.late) == (at(-300), True)


def test_trade_is_not_stored_before_the_news_of_the_opening_is_safe(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))
    later = reported.observe(names(*OLD, after=3680))  # The name is gone, which is stored.

    before = [record for record in (*result.records, *later.records) if record.symbol == "ABCUSDT"]
    [after] = stored(reported, result.rescheduled)

    assert {(record.opens_at, record.trading_since) for record in before} == {(at(3600), None)}
    assert (after.opens_at, after.trading_since) == (at(3670), at(3670))


def test_killed_between_the_news_and_its_record_ingest_tells_no_second_opening(reported: Catalogue) -> None:
    result = reported.observe(deal(3670))
    [waits] = [record for record in result.records if record.symbol == "ABCUSDT"]

    restarted = after_restart(waits)
    restarted.observe(ticks(*OLD, after=3674))
    again = restarted.observe(deal(3675))

    assert (told(again), again.sightings) == ([], ())


def test_exchange_that_names_a_later_opening_is_believed_over_a_ticker_but_not_over_a_deal() -> None:
    for sign, moved in ((tick, [9000]), (deal, [])):
        catalogue = after_first_start()
        stored(catalogue, catalogue.observe(names(*OLD, "ABCUSDT", after=1)).sightings)
        watch(catalogue, until=300)
        stored(catalogue, catalogue.observe(sign(300)).sightings)
        stored(catalogue, catalogue.observe(snapshot(*OLD, opening(None), after=301)).sightings)

        assert told(catalogue.observe(snapshot(*OLD, opening(9000), after=302))) == moved


def test_symbol_that_appears_two_years_after_its_opening_is_late() -> None:
    catalogue = after_first_start()
    years_ago = a_symbol_info("ABCUSDT", first_open_time=at(-2 * 365 * 86_400))

    result = catalogue.observe(snapshot(*OLD, years_ago, after=1))

    assert [(sighting.record.symbol, sighting.late) for sighting in result.sightings] == [("ABCUSDT", True)]


def announced_and_watched_for(until: int) -> Catalogue:
    """A catalogue that ABCUSDT was announced to, for a minute after noon, and that no source shows until *until*."""
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 60))
    for second in range(1, until, 12):
        catalogue.observe(names(*OLD, after=second))
        catalogue.observe(ticks(*OLD, after=second))
    return catalogue


@pytest.mark.parametrize(
    "event",
    [
        ticks(*OLD, "ABCUSDT", after=3600),
        names(*OLD, "ABCUSDT", after=3600),
        snapshot(*OLD, opening(None), after=3600),
    ],
)
def test_symbol_that_was_on_no_list_when_it_was_announced_to_open_did_not_open_then(event: SourceEvent) -> None:
    catalogue = announced_and_watched_for(until=3600)

    [sighting] = catalogue.observe(event).sightings

    assert (sighting.late, sighting.record.opens_at) == (False, None)
    moved = told(catalogue.observe(snapshot(*OLD, opening(7200), after=3601)))
    assert moved == ([7200] if event.source is REST else [])


def test_first_trade_of_an_announced_symbol_that_was_on_no_list_at_that_time_is_its_opening() -> None:
    catalogue = announced_and_watched_for(until=3600)

    [sighting] = catalogue.observe(deal(3600)).sightings

    assert (sighting.late, sighting.record.opens_at) == (False, at(3600))


def test_symbol_that_appears_when_it_was_announced_to_open_opens_then() -> None:
    catalogue = announced_and_watched_for(until=70)

    [sighting] = catalogue.observe(names(*OLD, "ABCUSDT", after=70)).sightings

    assert sighting.record.opens_at == at(60)


def test_opening_of_long_ago_that_exchange_info_states_itself_stands() -> None:
    catalogue = announced_and_watched_for(until=3600)

    [sighting] = catalogue.observe(snapshot(*OLD, opening(60), after=3600)).sightings

    assert (sighting.late, sighting.record.opens_at) == (True, at(60))


@pytest.mark.parametrize("show", [ticks, names, snapshot])
def test_announced_symbol_that_appears_unwatched_may_have_opened_then(show: Callable[..., SourceEvent]) -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(-300)))

    [sighting] = catalogue.observe(show(*OLD, "ABCUSDT")).sightings

    assert (sighting.late, sighting.record.opens_at) == (True, at(-300))


@pytest.mark.parametrize("opened", [-119, 0, 60, 3600, None])
def test_symbol_that_appears_about_its_opening_or_before_is_not_late(opened: float | None) -> None:
    catalogue = after_first_start()

    result = catalogue.observe(snapshot(*OLD, opening(opened)))

    assert (seen(result)[0][0], result.sightings[0].late) == ("ABCUSDT", False)
