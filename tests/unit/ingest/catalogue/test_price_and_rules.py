"""Content of a sighting beside the symbol: its price, and its rules from exchangeInfo."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from ingest.catalogue import Catalogue, SymbolState
from ingest.source import Snapshot
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import (
    OLD,
    REST,
    WEBSOCKET,
    a_record,
    after_first_start,
    after_restart,
    at,
    first_trade,
    names,
    opening,
    snapshot,
    ticks,
)

CENT = Decimal("0.01")


def test_sighting_tells_the_price_its_own_evidence_showed() -> None:
    catalogue = after_first_start()

    [ticked] = catalogue.observe(ticks("ABCUSDT", after=1, price=CENT)).sightings
    [named] = catalogue.observe(names(*OLD, "ABCUSDT", after=2)).sightings
    [traded] = catalogue.observe(first_trade("XYZUSDT", after=3, price=CENT)).sightings

    assert (ticked.price, named.price, traded.price) == (CENT, None, CENT)


def test_price_of_what_is_no_news_is_not_asked_for() -> None:
    catalogue = after_first_start()
    asked: list[str] = []

    frame = replace(ticks(*OLD, "ABCUSDT", after=1), price_of=asked.append)
    catalogue.observe(frame)
    catalogue.observe(frame)

    assert asked == ["ABCUSDT"]


def test_new_opening_comes_with_the_price_of_the_trade_that_told_it(listed: Catalogue) -> None:
    listed.observe(ticks("ABCUSDT", after=1))

    [moved] = listed.observe(first_trade("ABCUSDT", after=60, price=CENT)).rescheduled

    assert moved.price == CENT
    assert moved.info == opening(3600)


def test_symbol_that_was_described_before_it_traded_has_its_rules(listed: Catalogue) -> None:
    [ticked] = listed.observe(ticks("ABCUSDT", after=1)).sightings

    assert (ticked.source, ticked.info) == (WEBSOCKET, opening(3600))


def test_rules_are_the_latest(listed: Catalogue) -> None:
    changed = a_symbol_info("ABCUSDT", base_precision=7)
    listed.observe(snapshot(*OLD, changed, after=10))

    [ticked] = listed.observe(ticks("ABCUSDT", after=11)).sightings

    assert ticked.info == changed


def test_symbol_of_a_snapshot_has_the_rules_of_that_snapshot() -> None:
    [sighting] = after_first_start().observe(snapshot(*OLD, a_symbol_info("ABCUSDT"), after=1)).sightings

    assert (sighting.source, sighting.info) == (REST, a_symbol_info("ABCUSDT"))


def test_symbol_that_no_list_described_has_no_rules() -> None:
    [sighting] = after_first_start().observe(ticks("ABCUSDT", after=1)).sightings

    assert sighting.info is None


@pytest.mark.parametrize(("shown", "info"), [((), None), ((snapshot(*OLD, opening(3600)),), opening(3600))])
def test_after_a_restart_rules_are_unknown_until_the_next_snapshot(
    shown: Sequence[Snapshot], info: SymbolInfo | None
) -> None:
    catalogue = after_restart(a_record("ABCUSDT", SymbolState.LISTED, opens_at=at(3600), published=True))
    for each in shown:
        catalogue.observe(each)

    [moved] = catalogue.observe(first_trade("ABCUSDT", after=60)).rescheduled

    assert moved.info == info
