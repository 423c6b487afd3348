"""Evidence as a test needs it, timed in seconds after noon, and a catalogue that has just had its first start."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ingest.catalogue import Catalogue, ObservationResult, Sighting, SymbolRecord, SymbolState, Thresholds
from ingest.source import Announcement, FirstTrade, Snapshot, SymbolNames
from shared.events import Source
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import NOON, a_symbol_info

WEBSOCKET, REST = Source.MEXC_WEBSOCKET, Source.MEXC_REST_API
OLD = tuple(f"OLD{number}USDT" for number in range(20))
"""Enough of them that one more or less is no reason for doubt."""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ticks(*symbols: str, after: float = 0, price: Decimal | None = None) -> SymbolNames:
    return SymbolNames(WEBSOCKET, at(after), frozenset(symbols), complete=False, price_of=lambda _: price)


def names(*symbols: str, after: float = 0) -> SymbolNames:
    return SymbolNames(REST, at(after), frozenset(symbols), complete=True)


def snapshot(*symbols: str | SymbolInfo, after: float = 0) -> Snapshot:
    infos = tuple(each if isinstance(each, SymbolInfo) else a_symbol_info(each) for each in symbols)
    return Snapshot(REST, at(after), infos)


def announced(symbol: str, opens_after: float, *, after: float = 0) -> Announcement:
    return Announcement(REST, at(after), symbol, at(opens_after))


def first_trade(symbol: str, *, after: float = 0, price: Decimal | None = None) -> FirstTrade:
    return FirstTrade(WEBSOCKET, at(after), symbol, price)


def watch(catalogue: Catalogue, until: float) -> None:
    """Let the tickers of the old symbols come without a gap for a good minute, the last of them just before *until*."""
    for before in range(67, 0, -11):
        catalogue.observe(ticks(*OLD, after=until - before))


def a_record(symbol: str, state: SymbolState = SymbolState.TRADABLE, **overrides: Any) -> SymbolRecord:
    return SymbolRecord(symbol, state, symbol.removesuffix("USDT"), "USDT", NOON - timedelta(days=1), **overrides)


def after_first_start(*more: str | SymbolInfo, rules: Thresholds | None = None) -> Catalogue:
    """A catalogue that has just taken the old symbols, and *more*, for its baseline."""
    catalogue = Catalogue(thresholds=rules)
    catalogue.observe(ticks(*OLD, after=-1))
    catalogue.observe(names(*OLD))
    catalogue.observe(snapshot(*OLD, *more))
    assert catalogue.has_baseline
    return catalogue


def after_restart(*records: SymbolRecord, rules: Thresholds | None = None) -> Catalogue:
    """A catalogue that finds the old symbols and *records* in the database."""
    return Catalogue([*(a_record(symbol, trading_since=NOON) for symbol in OLD), *records], rules)


def seen(result: ObservationResult) -> list[tuple[str, Source]]:
    return [(sighting.record.symbol, sighting.source) for sighting in result.sightings]


def states(records: Iterable[SymbolRecord]) -> dict[str, SymbolState]:
    return {record.symbol: record.state for record in records}


def stored(catalogue: Catalogue, sightings: Sequence[Sighting]) -> list[SymbolRecord]:
    """Confirm *sightings*; return what that stores."""
    return [record for record in map(catalogue.confirm, sightings) if record is not None]


def opening(seconds: float | None) -> SymbolInfo:
    """ABCUSDT, which opens so long after noon."""
    return a_symbol_info("ABCUSDT", first_open_time=None if seconds is None else at(seconds))


def told(result: ObservationResult) -> list[float]:
    """Return the rescheduled openings of *result*, in seconds after noon."""
    return [(each.record.opens_at - NOON).total_seconds() for each in result.rescheduled if each.record.opens_at]
