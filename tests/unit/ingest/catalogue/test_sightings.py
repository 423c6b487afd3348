"""New listings by the catalogue, and sightings that are none."""

from collections.abc import Callable
from datetime import timedelta

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
)


def test_each_source_reports_a_new_symbol_once() -> None:
    catalogue = after_first_start()

    first = catalogue.observe(ticks("ABCUSDT", after=1))
    second = catalogue.observe(names(*OLD, "ABCUSDT", after=2))
    again = [
        *seen(catalogue.observe(ticks("ABCUSDT"))),
        *seen(catalogue.observe(names(*OLD, "ABCUSDT"))),
        *seen(catalogue.observe(snapshot(*OLD, "ABCUSDT"))),
        *seen(catalogue.observe(first_trade("ABCUSDT"))),
    ]

    assert seen(first) == [("ABCUSDT", WEBSOCKET)]
    assert seen(second) == [("ABCUSDT", REST)]
    assert again == []


def test_sighting_is_timed_by_its_own_evidence() -> None:
    catalogue = after_first_start()
    catalogue.observe(ticks("ABCUSDT", after=1))

    [sighting] = catalogue.observe(names(*OLD, "ABCUSDT", after=2)).sightings

    assert sighting.observed_at == at(2)
    assert sighting.record.first_seen_at == at(1)


@pytest.mark.parametrize(
    ("symbol", "assets"),
    [("ABCUSDC", ("ABC", "USDC")), ("ABCXYZ", ("ABCXYZ", "")), ("币安人生USDT", ("币安人生", "USDT"))],
)
def test_assets_come_from_the_name_where_nothing_describes_it(symbol: str, assets: tuple[str, str]) -> None:
    [sighting] = after_first_start().observe(ticks(symbol)).sightings

    assert (sighting.record.base_asset, sighting.record.quote_asset) == assets


def test_snapshot_tells_the_assets_and_the_opening_time() -> None:
    info = a_symbol_info("ABCXYZ", base_asset="ABC", quote_asset="XYZ", first_open_time=at(7200))

    [sighting] = after_first_start().observe(snapshot(*OLD, info)).sightings

    assert (sighting.record.base_asset, sighting.record.quote_asset) == ("ABC", "XYZ")
    assert (sighting.record.state, sighting.record.opens_at) == (SymbolState.LISTED, at(7200))


def test_websocket_sighting_carries_what_a_snapshot_told_before() -> None:
    catalogue = after_first_start()
    catalogue.observe(snapshot(*OLD, a_symbol_info("ABCUSDT", first_open_time=at(7200))))

    [sighting] = catalogue.observe(ticks("ABCUSDT")).sightings

    assert sighting.record.opens_at == at(7200)


def test_announced_symbol_is_published_when_it_is_listed_with_the_announced_opening() -> None:
    catalogue = after_first_start()
    result = catalogue.observe(announced("ABCUSDT", 3600))

    assert result.sightings == ()
    assert states(result.records) == {"ABCUSDT": SymbolState.ANNOUNCED}
    [sighting] = catalogue.observe(snapshot(*OLD, "ABCUSDT", after=60)).sightings
    assert (sighting.record.state, sighting.record.opens_at) == (SymbolState.LISTED, at(3600))


def test_first_trade_of_an_announced_symbol_is_a_sighting() -> None:
    catalogue = after_first_start()
    catalogue.observe(announced("ABCUSDT", 5))

    result = catalogue.observe(first_trade("ABCUSDT", after=6))

    assert seen(result) == [("ABCUSDT", WEBSOCKET)]
    assert catalogue.upcoming(at(6)) == []


def test_known_symbol_is_not_new_after_a_restart() -> None:
    catalogue = after_restart()

    for event in (snapshot(*OLD), ticks(*OLD), names(*OLD), first_trade(OLD[0])):
        assert catalogue.observe(event).sightings == ()


def test_announced_symbol_of_before_a_restart_is_still_new_when_it_is_listed() -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(60)))

    assert [each.symbol for each in catalogue.upcoming(NOON)] == ["ABCUSDT"]
    assert seen(catalogue.observe(snapshot(*OLD, "ABCUSDT"))) == [("ABCUSDT", REST)]


def test_symbol_missing_for_a_while_is_not_new_when_it_returns() -> None:
    catalogue = after_first_start()
    catalogue.observe(snapshot(*OLD[1:]))

    assert catalogue.observe(snapshot(*OLD)).sightings == ()


def test_unchanged_snapshot_leaves_nothing_to_store() -> None:
    catalogue = after_first_start()

    assert catalogue.observe(snapshot(*OLD, after=10)).records == ()


def test_new_symbol_is_not_to_be_stored_before_its_sighting_is_confirmed() -> None:
    catalogue = after_first_start()
    [sighting] = catalogue.observe(ticks("ABCUSDT")).sightings
    info = a_symbol_info("ABCUSDT", first_open_time=at(-1))

    assert catalogue.observe(snapshot(*OLD, info)).records == ()
    [record] = stored(catalogue, [sighting])
    assert (record.opens_at, record.published) == (at(-1), True)


def test_symbol_that_is_not_to_be_traded_is_sighted_with_the_reason() -> None:
    catalogue = Catalogue(trade_filter=lambda record: "leveraged" if record.base_asset.endswith("3L") else "")
    catalogue.observe(ticks(*OLD, after=-1))
    catalogue.observe(names(*OLD))
    catalogue.observe(snapshot(*OLD))

    sightings = catalogue.observe(names(*OLD, "BTC3LUSDT", "ABCUSDT")).sightings

    assert {each.record.symbol: each.not_tradable_reason for each in sightings} == {
        "BTC3LUSDT": "leveraged",
        "ABCUSDT": "",
    }


def test_no_more_symbols_are_kept_than_the_rules_allow() -> None:
    catalogue = after_first_start(rules=Thresholds(symbols_max=len(OLD) + 1))
    assert seen(catalogue.observe(ticks("AAAUSDT"))) == [("AAAUSDT", WEBSOCKET)]

    for event in (ticks("BBBUSDT"), names(*OLD, "BBBUSDT"), snapshot(*OLD, "BBBUSDT")):
        result = catalogue.observe(event)
        assert (result.accepted, result.sightings) == (False, ())
    catalogue.observe(announced("BBBUSDT", 60))
    assert sum(catalogue.counts.values()) == len(OLD) + 1


def test_announcements_long_past_are_ignored() -> None:
    catalogue = after_first_start()

    assert catalogue.observe(announced("ABCUSDT", -timedelta(days=2).total_seconds())).records == ()
    assert catalogue.observe(announced(OLD[0], 60)).records == ()


def odd(record: SymbolRecord) -> str:
    if record.symbol == "ODDUSDT":
        raise ValueError("odd")
    return ""


@pytest.mark.parametrize("show", [ticks, names, snapshot])
def test_symbol_that_cannot_be_judged_concerns_that_symbol(show: Callable[..., SourceEvent]) -> None:
    catalogue = Catalogue([a_record(symbol, trading_since=NOON) for symbol in OLD], trade_filter=odd)

    result = catalogue.observe(show(*OLD, "ABCUSDT", "ODDUSDT", "XYZUSDT"))

    assert [symbol for symbol, _ in seen(result)] == ["ABCUSDT", "XYZUSDT"]
    assert result.accepted
    assert [("ODDUSDT" in fault, "odd" in fault) for fault in result.faults] == [(True, True)]
