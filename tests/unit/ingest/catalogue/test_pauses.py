"""Pauses, by whatever sign: a state, and never a listing."""

import pytest

from ingest.catalogue import SymbolState
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info
from tests.support.data.evidence import OLD, after_first_start, after_restart, names, snapshot, states, stored, ticks

LEAVER, REST_OF = OLD[0], OLD[1:]


@pytest.mark.parametrize(
    "paused",
    [
        a_symbol_info(LEAVER, status="2"),
        a_symbol_info(LEAVER, status="3"),
        a_symbol_info(LEAVER, api_allowed=False),
        a_symbol_info(LEAVER, trade_side_type=4),
    ],
)
def test_pause_and_resume_is_not_a_listing_but_a_state(paused: SymbolInfo) -> None:
    catalogue = after_first_start()

    pause = catalogue.observe(snapshot(*REST_OF, paused))
    resume = catalogue.observe(snapshot(*OLD))

    assert pause.sightings == resume.sightings == ()
    assert states(pause.records) == {LEAVER: SymbolState.SUSPENDED}
    assert states(resume.records) == {LEAVER: SymbolState.TRADABLE}


def test_symbol_that_leaves_the_names_but_not_the_snapshot_is_suspended() -> None:
    catalogue = after_first_start()

    left = catalogue.observe(names(*REST_OF))
    back = catalogue.observe(names(*OLD))

    assert left.sightings == back.sightings == ()
    assert states(left.records) == {LEAVER: SymbolState.SUSPENDED}
    assert states(back.records) == {LEAVER: SymbolState.TRADABLE}


def test_symbol_that_left_the_names_while_we_were_down_is_suspended() -> None:
    assert states(after_restart().observe(names(*REST_OF)).records) == {LEAVER: SymbolState.SUSPENDED}


def test_entry_too_odd_to_be_read_pauses_nothing() -> None:
    catalogue = after_first_start()
    odd = a_symbol_info(LEAVER, status="", api_allowed=False, trade_side_type=None, base_asset="", quote_asset="")

    assert catalogue.observe(snapshot(*REST_OF, odd)).records == ()


def test_new_symbol_that_the_exchange_keeps_from_the_api_is_suspended_once_it_trades() -> None:
    catalogue = after_first_start()
    shut = a_symbol_info("ABCUSDT", api_allowed=False)

    [shown] = catalogue.observe(snapshot(*OLD, shut)).sightings
    [ticked] = catalogue.observe(ticks("ABCUSDT")).sightings

    assert (shown.record.state, ticked.record.state) == (SymbolState.LISTED, SymbolState.SUSPENDED)
    catalogue.observe(snapshot(*OLD, "ABCUSDT"))
    assert [record.state for record in stored(catalogue, [shown])] == [SymbolState.TRADABLE]
