"""State transitions: every combination that matters, as a table."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from ingest.catalogue.symbol_register import SymbolState
from ingest.catalogue.transitions import Access, baseline_record, is_open, reopening, state_of
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import a_record, at

LISTED, TRADABLE, SUSPENDED = SymbolState.LISTED, SymbolState.TRADABLE, SymbolState.SUSPENDED
SOON, PAST = at(60), at(-60)
UNKNOWN, NAMED, UNNAMED = Access(), Access(named=True), Access(named=False)
OPEN, SHUT = Access(open=True), Access(open=False)


@pytest.mark.parametrize("before", [LISTED, TRADABLE, SUSPENDED])
@pytest.mark.parametrize("access", [UNKNOWN, NAMED, UNNAMED, OPEN, SHUT])
def test_symbol_that_is_not_seen_to_trade_waits_for_its_opening(before: SymbolState, access: Access) -> None:
    assert state_of(a_record("ABCUSDT", before, opens_at=SOON), access, NOON) is LISTED


@pytest.mark.parametrize("opens_at", [None, PAST, NOON])
@pytest.mark.parametrize(
    ("before", "access", "after"),
    [
        # A snapshot does not say that it trades ...
        (LISTED, UNKNOWN, LISTED),
        (LISTED, OPEN, LISTED),
        (LISTED, SHUT, LISTED),
        (LISTED, UNNAMED, LISTED),
        # ... the names do.
        (LISTED, NAMED, TRADABLE),
        (LISTED, Access(named=True, open=False), SUSPENDED),
        (TRADABLE, UNKNOWN, TRADABLE),
        (TRADABLE, UNNAMED, SUSPENDED),
        (SUSPENDED, NAMED, TRADABLE),
        (SUSPENDED, UNNAMED, SUSPENDED),
        (SUSPENDED, UNKNOWN, SUSPENDED),
    ],
)
def test_symbol_that_is_not_seen_to_trade_is_tradable_by_its_name(
    opens_at: datetime | None, before: SymbolState, access: Access, after: SymbolState
) -> None:
    assert state_of(a_record("ABCUSDT", before, opens_at=opens_at), access, NOON) is after


@pytest.mark.parametrize("opens_at", [None, PAST, SOON])
@pytest.mark.parametrize(
    ("before", "access", "after"),
    [
        (LISTED, UNKNOWN, TRADABLE),
        (LISTED, SHUT, SUSPENDED),
        (TRADABLE, UNKNOWN, TRADABLE),
        (TRADABLE, SHUT, SUSPENDED),
        (TRADABLE, UNNAMED, SUSPENDED),
        (TRADABLE, Access(named=False, open=True), SUSPENDED),
        (TRADABLE, Access(named=True, open=False), SUSPENDED),
        (SUSPENDED, UNKNOWN, SUSPENDED),
        (SUSPENDED, OPEN, TRADABLE),
        (SUSPENDED, NAMED, TRADABLE),
        (SUSPENDED, Access(named=True, open=True), TRADABLE),
    ],
)
def test_symbol_that_trades_is_tradable_unless_a_list_says_otherwise(
    opens_at: datetime | None, before: SymbolState, access: Access, after: SymbolState
) -> None:
    record = a_record("ABCUSDT", before, opens_at=opens_at, trading_since=PAST)

    assert state_of(record, access, NOON) is after


@pytest.mark.parametrize("state", [SymbolState.ANNOUNCED, SymbolState.GONE])
@pytest.mark.parametrize("access", [UNKNOWN, NAMED, UNNAMED, OPEN, SHUT])
def test_what_is_to_come_or_gone_stays_so_until_it_appears(state: SymbolState, access: Access) -> None:
    assert state_of(a_record("ABCUSDT", state, opens_at=PAST), access, NOON) is state


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (a_symbol_info(), True),
        (a_symbol_info(status="ENABLED"), True),
        (a_symbol_info(trade_side_type=None), True),
        (a_symbol_info(trade_side_type=2), True),
        (a_symbol_info(trade_side_type=4), False),
        (a_symbol_info(status="2"), False),
        (a_symbol_info(status="3"), False),
        (a_symbol_info(api_allowed=False), False),
        (a_symbol_info(status="", api_allowed=False), None),
    ],
)
def test_description_says_whether_it_is_open(info: SymbolInfo, expected: bool | None) -> None:
    assert is_open(info) is expected


@pytest.mark.parametrize(
    ("opens_at", "trading_since", "told", "is_told_on"),
    [
        (SOON, None, SOON, False),
        (SOON, None, None, False),
        (SOON, None, at(120), True),
        (SOON, None, PAST, True),
        (PAST, None, SOON, True),
        (PAST, None, at(-30), False),
        (None, None, SOON, True),
        (None, None, PAST, False),
        # It trades:
        (SOON, PAST, at(120), False),
        (SOON, PAST, PAST, True),
        (PAST, PAST, SOON, False),
        (None, PAST, PAST, False),
        (None, PAST, SOON, True),
    ],
)
def test_opening_that_moves_is_told_while_it_matters(
    opens_at: datetime | None, trading_since: datetime | None, told: datetime | None, is_told_on: bool
) -> None:
    record = a_record("ABCUSDT", opens_at=opens_at, trading_since=trading_since)

    after, moved = reopening(record, told, NOON)

    assert moved is is_told_on
    assert after.opens_at == (told or opens_at)


def test_what_ticks_and_is_then_said_to_open_later_does_not_trade() -> None:
    after, _ = reopening(a_record("ABCUSDT", trading_since=PAST), SOON, NOON)

    assert after.trading_since is None


@pytest.mark.parametrize(
    ("info", "state", "trading_since"),
    [
        (None, TRADABLE, NOON),
        (a_symbol_info(), TRADABLE, NOON),
        (a_symbol_info(first_open_time=PAST), TRADABLE, PAST),
        (a_symbol_info(first_open_time=SOON), LISTED, None),
        (a_symbol_info(status="2"), SUSPENDED, NOON),
        (a_symbol_info(status="2", first_open_time=SOON), LISTED, None),
    ],
)
def test_symbol_that_was_there_before_trades_unless_it_opens_later(
    info: SymbolInfo | None, state: SymbolState, trading_since: datetime | None
) -> None:
    record = baseline_record("ABCUSDT", NOON, info=info)

    assert (record.state, record.trading_since) == (state, trading_since)
    assert not record.published


@pytest.mark.parametrize("seconds", [-1, 0])
def test_opening_is_over_at_its_very_moment(seconds: float) -> None:
    record = replace(a_record("ABCUSDT", LISTED), opens_at=NOON + timedelta(seconds=seconds))

    assert state_of(record, NAMED, NOON) is TRADABLE
