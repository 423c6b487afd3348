"""What the catalogue takes for a new listing, and what not."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import Catalogue, Known, Sighting, State
from ingest.evidence import Announcement, Evidence, FirstTrade, Names, Snapshot
from shared.events import Source
from tests.builders import NOON, a_symbol_info

WEBSOCKET, REST = Source.MEXC_WEBSOCKET, Source.MEXC_REST_API
OLD = ("BTCUSDT", "ETHUSDT")


def names(source: Source, *symbols: str, after_seconds: float = 0) -> Names:
    return Names(source, NOON + timedelta(seconds=after_seconds), frozenset(symbols), complete=source is REST)


def snapshot(*symbols: str, after_seconds: float = 0) -> Snapshot:
    infos = tuple(a_symbol_info(symbol) for symbol in symbols)
    return Snapshot(REST, NOON + timedelta(seconds=after_seconds), infos)


def a_known(symbol: str, state: State = State.TRADABLE) -> Known:
    return Known(symbol, state, symbol.removesuffix("USDT"), "USDT", NOON - timedelta(days=1))


def on_first_start() -> Catalogue:
    """A catalogue that has just taken the old symbols for its baseline."""
    catalogue = Catalogue()
    catalogue.observe(names(REST, *OLD))
    catalogue.observe(snapshot(*OLD))
    return catalogue


def seen(sightings: Sequence[Sighting]) -> list[tuple[str, Source]]:
    return [(sighting.known.symbol, sighting.source) for sighting in sightings]


def test_first_snapshot_is_the_baseline_and_nothing_in_it_is_new() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(REST, *OLD))

    findings = catalogue.observe(snapshot(*OLD))

    assert findings.sightings == ()
    assert {known.symbol for known in findings.records} == set(OLD)
    assert catalogue.has_baseline


def test_baseline_waits_for_the_names_of_the_same_moment() -> None:
    catalogue = Catalogue()

    findings = catalogue.observe(snapshot(*OLD))

    assert findings.records == ()
    assert not catalogue.has_baseline


def test_name_missing_from_the_first_snapshot_is_part_of_the_baseline() -> None:
    catalogue = Catalogue()
    catalogue.observe(names(REST, *OLD, "HIDDENUSDT"))
    findings = catalogue.observe(snapshot(*OLD))

    assert "HIDDENUSDT" in {known.symbol for known in findings.records}
    assert catalogue.observe(names(REST, *OLD, "HIDDENUSDT")).sightings == ()


def test_websocket_frame_before_the_baseline_is_not_news() -> None:
    catalogue = Catalogue()

    assert catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings == ()

    catalogue.observe(names(REST, *OLD))
    catalogue.observe(snapshot(*OLD))
    assert catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings == ()


def test_each_source_reports_a_new_symbol_once() -> None:
    catalogue = on_first_start()

    first = catalogue.observe(names(WEBSOCKET, "ABCUSDT", after_seconds=1)).sightings
    second = catalogue.observe(names(REST, *OLD, "ABCUSDT", after_seconds=2)).sightings
    again = [
        *catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings,
        *catalogue.observe(names(REST, *OLD, "ABCUSDT")).sightings,
        *catalogue.observe(snapshot(*OLD, "ABCUSDT")).sightings,
    ]

    assert seen(first) == [("ABCUSDT", WEBSOCKET)]
    assert seen(second) == [("ABCUSDT", REST)]
    assert again == []


def test_sighting_is_timed_by_its_own_evidence() -> None:
    catalogue = on_first_start()
    catalogue.observe(names(WEBSOCKET, "ABCUSDT", after_seconds=1))

    [sighting] = catalogue.observe(names(REST, "ABCUSDT", after_seconds=2)).sightings

    assert sighting.observed_at == NOON + timedelta(seconds=2)
    assert sighting.known.first_seen_at == NOON + timedelta(seconds=1)


def test_assets_come_from_the_name_where_nothing_describes_it() -> None:
    [sighting] = on_first_start().observe(names(WEBSOCKET, "ABCUSDC")).sightings

    assert (sighting.known.base_asset, sighting.known.quote_asset) == ("ABC", "USDC")


def test_unknown_quote_asset_stays_empty() -> None:
    [sighting] = on_first_start().observe(names(WEBSOCKET, "ABCXYZ")).sightings

    assert (sighting.known.base_asset, sighting.known.quote_asset) == ("ABCXYZ", "")


def test_snapshot_tells_the_assets_and_the_opening_time() -> None:
    opens_at = NOON + timedelta(hours=2)
    info = a_symbol_info("ABCXYZ", base_asset="ABC", quote_asset="XYZ", first_open_time=opens_at)

    [sighting] = on_first_start().observe(Snapshot(REST, NOON, (info,))).sightings

    assert (sighting.known.base_asset, sighting.known.quote_asset) == ("ABC", "XYZ")
    assert sighting.known.opens_at == opens_at
    assert sighting.known.state is State.LISTED


def test_websocket_sighting_carries_what_a_snapshot_told_before() -> None:
    catalogue = on_first_start()
    opens_at = NOON + timedelta(hours=2)
    catalogue.observe(Snapshot(REST, NOON, (a_symbol_info("ABCUSDT", first_open_time=opens_at),)))

    [sighting] = catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings

    assert sighting.known.opens_at == opens_at


def test_new_symbol_after_the_baseline_is_not_late() -> None:
    [sighting] = on_first_start().observe(snapshot(*OLD, "ABCUSDT")).sightings

    assert not sighting.late


@pytest.mark.parametrize("evidence", [names(WEBSOCKET, "ABCUSDT"), names(REST, "ABCUSDT"), snapshot("ABCUSDT")])
def test_what_appeared_while_we_were_down_is_late(evidence: Evidence) -> None:
    catalogue = Catalogue([a_known("BTCUSDT")])

    [sighting] = catalogue.observe(evidence).sightings

    assert sighting.late


def test_second_source_calls_a_late_symbol_late_too() -> None:
    catalogue = Catalogue([a_known("BTCUSDT")])
    catalogue.observe(snapshot("BTCUSDT", "ABCUSDT"))

    [sighting] = catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings

    assert sighting.late


def test_symbol_that_appears_after_the_first_snapshot_of_a_later_start_is_not_late() -> None:
    catalogue = Catalogue([a_known("BTCUSDT")])
    catalogue.observe(snapshot("BTCUSDT"))

    [sighting] = catalogue.observe(names(WEBSOCKET, "ABCUSDT")).sightings

    assert not sighting.late


def test_known_symbol_is_not_new_after_a_restart() -> None:
    catalogue = Catalogue([a_known("BTCUSDT")])

    assert catalogue.observe(snapshot("BTCUSDT")).sightings == ()
    assert catalogue.observe(names(WEBSOCKET, "BTCUSDT")).sightings == ()


@pytest.mark.parametrize("empty", [snapshot(), names(REST)])
def test_empty_answer_is_not_believed_as_a_baseline(empty: Evidence) -> None:
    catalogue = Catalogue()
    catalogue.observe(names(REST, *OLD))

    assert not catalogue.observe(empty).believed
    assert not catalogue.has_baseline


def test_symbols_that_return_after_an_empty_snapshot_are_not_new() -> None:
    catalogue = on_first_start()

    assert not catalogue.observe(snapshot()).believed
    assert catalogue.observe(snapshot(*OLD)).sightings == ()


def test_symbol_missing_for_a_while_is_not_new_when_it_returns() -> None:
    catalogue = on_first_start()
    catalogue.observe(snapshot("BTCUSDT"))

    assert catalogue.observe(snapshot(*OLD)).sightings == ()


def test_pause_and_resume_is_not_a_listing_but_a_state() -> None:
    catalogue = on_first_start()

    paused = catalogue.observe(Snapshot(REST, NOON, (a_symbol_info("BTCUSDT", status="2"),)))
    resumed = catalogue.observe(snapshot("BTCUSDT"))

    assert paused.sightings == resumed.sightings == ()
    assert [known.state for known in paused.records] == [State.SUSPENDED]
    assert [known.state for known in resumed.records] == [State.TRADABLE]


def test_listed_symbol_becomes_tradable_when_its_time_has_come() -> None:
    catalogue = on_first_start()
    info = a_symbol_info("ABCUSDT", first_open_time=NOON + timedelta(seconds=30))
    catalogue.observe(Snapshot(REST, NOON, (info,)))
    catalogue.confirm("ABCUSDT")

    findings = catalogue.observe(Snapshot(REST, NOON + timedelta(seconds=31), (info,)))

    assert [(known.symbol, known.state) for known in findings.records] == [("ABCUSDT", State.TRADABLE)]


def test_unchanged_snapshot_leaves_nothing_to_store() -> None:
    catalogue = on_first_start()

    assert catalogue.observe(snapshot(*OLD, after_seconds=10)).records == ()


def test_new_symbol_is_not_to_be_stored_before_its_sighting_is_confirmed() -> None:
    catalogue = on_first_start()
    catalogue.observe(names(WEBSOCKET, "ABCUSDT"))
    info = a_symbol_info("ABCUSDT", first_open_time=NOON + timedelta(hours=1))

    assert catalogue.observe(Snapshot(REST, NOON, (info,))).records == ()
    assert catalogue.confirm("ABCUSDT").opens_at == NOON + timedelta(hours=1)


SYMBOLS = st.sampled_from([*OLD, *(f"{letter * 3}USDT" for letter in "ABCDEF"), "币安人生USDT", "X"])
EVIDENCE = st.builds(
    lambda kind, symbols: kind(*symbols),
    st.sampled_from([lambda *s: names(WEBSOCKET, *s), lambda *s: names(REST, *s), snapshot]),
    st.frozensets(SYMBOLS),
)


def all_sightings(catalogue: Catalogue, evidence: Iterable[Evidence]) -> list[tuple[str, Source]]:
    return [pair for each in evidence for pair in seen(catalogue.observe(each).sightings)]


@given(st.frozensets(SYMBOLS, min_size=1), st.lists(EVIDENCE, max_size=30))
def test_however_evidence_interleaves_each_source_reports_a_symbol_at_most_once_and_never_the_baseline(
    baseline: frozenset[str], evidence: list[Evidence]
) -> None:
    catalogue = Catalogue()
    catalogue.observe(names(REST, *baseline))
    catalogue.observe(snapshot(*baseline))

    found = all_sightings(catalogue, evidence)

    shown = {(symbol, each.source) for each in evidence for symbol in names_in(each)}
    assert len(found) == len(set(found))
    assert set(found) == {(symbol, source) for symbol, source in shown if symbol not in baseline}


@given(st.lists(EVIDENCE, max_size=30), st.lists(EVIDENCE, max_size=10))
def test_restart_reports_exactly_what_was_not_confirmed(before: list[Evidence], after: list[Evidence]) -> None:
    first = on_first_start()
    confirmed = {first.confirm(symbol) for symbol, _ in all_sightings(first, before)}
    second = Catalogue([a_known("BTCUSDT"), a_known("ETHUSDT"), *confirmed])

    found = all_sightings(second, after)

    settled = {*OLD, *(known.symbol for known in confirmed)}
    shown = {(symbol, each.source) for each in after for symbol in names_in(each)}
    assert sorted(found) == sorted((symbol, source) for symbol, source in shown if symbol not in settled)


def names_in(evidence: Evidence) -> Iterable[str]:
    match evidence:
        case Names(symbols=symbols):
            return symbols
        case Snapshot(symbols=infos):
            return [info.symbol for info in infos]
        case Announcement(symbol=symbol) | FirstTrade(symbol=symbol):
            return [symbol]
