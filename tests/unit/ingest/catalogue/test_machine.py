"""However evidence, restarts and bad answers interleave: each listing once per source, and none invented."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.catalogue import Catalogue, ObservationResult, Sighting, SymbolRecord, SymbolState, Thresholds
from ingest.source import Announcement, FirstTrade, Snapshot, SourceEvent, SymbolNames
from shared.events import Source
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import REST, WEBSOCKET

CROWD: Final = frozenset(f"OLD{number}USDT" for number in range(150))
"""Always there, so that few who come and go are no reason for doubt."""
INFOS: Final = {symbol: a_symbol_info(symbol) for symbol in CROWD}
ACTORS: Final = ("AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT")
RULES: Final = Thresholds(gone_reads=3, gone_after=timedelta(minutes=10))
CASTS: Final = st.frozensets(st.sampled_from(ACTORS))

Report = tuple[str, int, Source]


@dataclass(frozen=True)
class Life:
    """What the model knows of one actor, in the plainest words."""

    occurrence: int = 0
    is_in: bool = False
    is_announced: bool = False
    reported: frozenset[Source] = frozenset()
    has_traded: bool = False
    """Since the start."""
    missing: int = 0
    missing_since: float = 0


@dataclass
class Model:
    """Says which reports must follow, from the rules as they are written down and nothing else."""

    lives: dict[str, Life] = field(default_factory=lambda: dict.fromkeys(ACTORS, Life()))
    safe: dict[str, Life] = field(default_factory=dict)
    """What a restart finds."""
    pending: set[str] = field(default_factory=set)
    """Those whose listing is not safe yet."""

    def sees(self, symbol: str, source: Source, *, may_relist: bool) -> list[Report]:
        life = self.lives[symbol]
        if not life.is_in:
            was_gone = life.occurrence > 0 and not life.is_announced
            if was_gone and not may_relist:
                return []
            life = Life(occurrence=life.occurrence + 1, is_in=True)
            self.pending.add(symbol)
        is_news = source not in life.reported
        self.lives[symbol] = replace(life, missing=0, reported=life.reported | {source})
        return [(symbol, life.occurrence, source)] if is_news else []

    def misses(self, symbol: str, now: float) -> bool:
        """Say whether that ends its listing."""
        life = self.lives[symbol]
        if not life.is_in:
            return False
        since = life.missing_since if life.missing else now
        self.lives[symbol] = replace(life, missing=life.missing + 1, missing_since=since)
        return life.missing + 1 >= RULES.gone_reads and now - since >= RULES.gone_after.total_seconds()

    def ends(self, symbol: str, *, is_withdrawn: bool) -> None:
        """What was withdrawn before it traded is to come again, under the same number."""
        occurrence = self.lives[symbol].occurrence
        life = Life(occurrence - 1, is_announced=True) if is_withdrawn else Life(occurrence)
        self.lives[symbol] = life
        self._save(symbol, life)

    def announces(self, symbol: str) -> None:
        life = self.lives[symbol]
        if not life.is_in and not life.is_announced:
            self.lives[symbol] = replace(life, is_announced=True)
            self._save(symbol, self.lives[symbol])

    def confirms(self, symbol: str, occurrence: int) -> None:
        life = self.lives[symbol]
        if occurrence == life.occurrence:
            self.pending.discard(symbol)
            self._save(symbol, life)
        elif symbol in self.pending:
            # That one has ended, and the next is not safe yet.
            self.safe[symbol] = Life(occurrence=occurrence)

    def restarts(self) -> None:
        self.pending.clear()
        for symbol in ACTORS:
            life = self.safe.get(symbol, Life())
            # What is stored as listed is new to nobody.
            reported = frozenset({REST, WEBSOCKET}) if life.is_in else frozenset()
            self.lives[symbol] = replace(life, reported=reported, has_traded=False, missing=0)

    def _save(self, symbol: str, life: Life) -> None:
        if symbol not in self.pending:
            self.safe[symbol] = life


class Interleavings(RuleBasedStateMachine):
    @initialize(cast=CASTS)
    def first_start(self, cast: frozenset[str]) -> None:
        self.now = 0.0
        self.oddities = 0
        self.model = Model()
        self.database: dict[str, SymbolRecord] = {}
        self.in_flight: list[Sighting] = []
        self.reports: Counter[Report] = Counter()
        self.lost: Counter[Report] = Counter()
        self.withdrawn: set[tuple[str, int]] = set()
        self.catalogue = Catalogue(thresholds=RULES)
        for event in (self.ticks(cast), self.names(CROWD | cast), self.snapshot(CROWD | cast)):
            assert self.observe(event) == []
        for symbol in cast:
            self.model.lives[symbol] = Life(1, is_in=True, reported=frozenset({REST, WEBSOCKET}))
            self.model.safe[symbol] = self.model.lives[symbol]
        self.now = 1

    @rule(seconds=st.sampled_from([1, 5, 30, 200, 601]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(cast=CASTS)
    def tickers_show(self, cast: frozenset[str]) -> None:
        self.expect(self.ticks(cast), [self.model.sees(each, WEBSOCKET, may_relist=False) for each in sorted(cast)])

    @rule(symbol=st.sampled_from(ACTORS))
    def first_trade_comes(self, symbol: str) -> None:
        event = FirstTrade(WEBSOCKET, self.at(), symbol)
        self.expect(event, [self.model.sees(symbol, WEBSOCKET, may_relist=False)])
        self.model.lives[symbol] = replace(self.model.lives[symbol], has_traded=self.model.lives[symbol].is_in)

    @rule(cast=CASTS)
    def names_show(self, cast: frozenset[str]) -> None:
        self.expect(self.names(CROWD | cast), [self.model.sees(each, REST, may_relist=True) for each in sorted(cast)])

    @rule(cast=CASTS, status=st.sampled_from(["1", "2"]), opens_in=st.sampled_from([None, -60, 3600]))
    def snapshot_shows(self, cast: frozenset[str], status: str, opens_in: float | None) -> None:
        expected = [self.model.sees(each, REST, may_relist=True) for each in sorted(cast)]
        self.expect(self.snapshot(CROWD | cast, status, opens_in), expected)
        for symbol in set(ACTORS) - cast:
            if self.model.misses(symbol, self.now):
                self.listing_ends(symbol)

    def listing_ends(self, symbol: str) -> None:
        """Whether it surely never traded is for the catalogue to say; whatever was seen to trade did."""
        life, is_stored = self.model.lives[symbol], symbol not in self.model.pending
        is_withdrawn = is_stored and self.database[symbol].state is SymbolState.ANNOUNCED
        assert not (is_withdrawn and life.has_traded)
        if is_withdrawn:
            self.withdrawn.add((symbol, life.occurrence))
        self.model.ends(symbol, is_withdrawn=is_withdrawn)

    @rule(cast=CASTS, times=st.integers(3, 6))
    def snapshots_go_on_showing(self, cast: frozenset[str], times: int) -> None:
        for _ in range(times):
            self.time_passes(301)
            self.snapshot_shows(cast, "1", None)

    @rule(symbol=st.sampled_from(ACTORS), opens_in=st.sampled_from([60, 7200]))
    def calendar_announces(self, symbol: str, opens_in: float) -> None:
        self.model.announces(symbol)
        event = Announcement(REST, self.at(), symbol, self.at() + timedelta(seconds=opens_in))
        self.expect(event, [])

    @rule(is_snapshot=st.booleans(), keeps=st.integers(0, 100))
    def list_comes_shrunken(self, is_snapshot: bool, keeps: int) -> None:
        # Never the same twice: that would be believed.
        odd = frozenset({f"ODD{self.oddity()}USDT"} if keeps else ())
        self.expect_doubt(odd | frozenset(sorted(CROWD)[:keeps]), is_snapshot)

    @rule(is_snapshot=st.booleans(), cast=CASTS)
    def list_comes_swollen(self, is_snapshot: bool, cast: frozenset[str]) -> None:
        odd = self.oddity()
        self.expect_doubt(CROWD | cast | {f"ODD{odd}N{number}USDT" for number in range(51)}, is_snapshot)

    @rule()
    def frame_comes_swollen(self) -> None:
        odd = self.oddity()
        names = frozenset(f"ODD{odd}N{number}USDT" for number in range(51))
        assert not self.catalogue.observe(SymbolNames(WEBSOCKET, self.at(), names, complete=False)).accepted

    @rule(count=st.integers(1, 8))
    def broker_confirms(self, count: int) -> None:
        for sighting in self.in_flight[:count]:
            self.model.confirms(sighting.record.symbol, sighting.record.occurrence)
            record = self.catalogue.confirm(sighting)
            self.store([] if record is None else [record])
        del self.in_flight[:count]

    @rule()
    def process_restarts(self) -> None:
        self.lost.update(_report(sighting) for sighting in self.in_flight)
        self.in_flight.clear()
        self.model.restarts()
        self.catalogue = Catalogue(self.database.values(), RULES)

    @invariant()
    def each_listing_is_reported_once_by_each_source(self) -> None:
        # More often only where a report, or that of the other source, was lost in a restart; or of what was withdrawn.
        lost_listings = {(symbol, occurrence) for symbol, occurrence, _ in self.lost} | self.withdrawn
        for report, count in self.reports.items():
            assert count == 1 or report[:2] in lost_listings

    @invariant()
    def what_is_stored_is_what_is_safe(self) -> None:
        stored = {
            symbol: (record.occurrence - (record.state is SymbolState.ANNOUNCED), record.is_shown)
            for symbol, record in self.database.items()
            if symbol in ACTORS
        }
        assert stored == {symbol: (life.occurrence, life.is_in) for symbol, life in self.model.safe.items()}

    def expect(self, event: SourceEvent, expected: list[list[Report]]) -> None:
        assert self.observe(event) == sorted(report for each in expected for report in each)

    def expect_doubt(self, shown: frozenset[str], is_snapshot: bool) -> None:
        result = self.catalogue.observe(self.snapshot(shown) if is_snapshot else self.names(shown))
        assert result == ObservationResult(accepted=False, reason=result.reason)

    def observe(self, event: SourceEvent) -> list[Report]:
        result = self.catalogue.observe(event)
        assert result.accepted
        self.store(result.records)
        self.in_flight += result.sightings
        reports = sorted(map(_report, result.sightings))
        self.reports.update(reports)
        return reports

    def store(self, records: Iterable[SymbolRecord]) -> None:
        self.database.update({record.symbol: record for record in records})

    def oddity(self) -> int:
        self.oddities += 1
        return self.oddities

    def at(self) -> datetime:
        return NOON + timedelta(seconds=self.now)

    def ticks(self, symbols: frozenset[str]) -> SymbolNames:
        return SymbolNames(WEBSOCKET, self.at(), symbols, complete=False)

    def names(self, symbols: frozenset[str]) -> SymbolNames:
        return SymbolNames(REST, self.at(), symbols, complete=True)

    def snapshot(self, symbols: frozenset[str], status: str = "1", opens_in: float | None = None) -> Snapshot:
        opens_at = None if opens_in is None else self.at() + timedelta(seconds=opens_in)
        infos = [
            a_symbol_info(each, status=status, first_open_time=opens_at) if each not in INFOS else INFOS[each]
            for each in sorted(symbols)
        ]
        return Snapshot(REST, self.at(), infos)


def _report(sighting: Sighting) -> Report:
    return sighting.record.symbol, sighting.record.occurrence, sighting.source


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=150, stateful_step_count=40)
