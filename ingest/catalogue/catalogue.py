"""Catalogue of symbols: accepts or rejects the events of sources, and derives the sightings to publish."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from ingest.catalogue.first_start import BaselineCollector, FirstFrame
from ingest.catalogue.plausibility.coverage import CoverageGaps
from ingest.catalogue.plausibility.quarantine import NewcomerFilter, Quarantines
from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.plausibility.vanished_symbols import VanishedSymbols
from ingest.catalogue.publications import (
    EMPTY_ANSWER,
    UNCHANGED,
    ObservationResult,
    ResultBuilder,
    Sighting,
    TradeFilter,
)
from ingest.catalogue.symbol_register import SymbolRecord, SymbolState
from ingest.catalogue.symbol_updates import SymbolUpdates
from ingest.catalogue.transitions import baseline_record
from ingest.source import Announcement, FirstTrade, Snapshot, SourceEvent, SymbolNames, Upcoming
from ingest.stepwise import Steps, for_each, for_each_isolated, run_to_end
from shared.mexc.symbols import SymbolInfo


class Catalogue:
    """Every symbol ever seen, its state, and the sightings that follow from each source event.

    A symbol seen once stays known: one that is missing from later events is not new when it returns, unless it was
    confirmed to be gone in between.
    """

    def __init__(
        self,
        records: Iterable[SymbolRecord] = (),
        thresholds: Thresholds | None = None,
        trade_filter: TradeFilter = lambda _: "",
    ) -> None:
        self._thresholds = thresholds or Thresholds()
        self._trade_filter = trade_filter
        self.reset(records)

    def reset(self, records: Iterable[SymbolRecord]) -> None:
        """Start over from *records*, as at a process start: what appears before the first snapshot is late."""
        records = tuple(records)
        self._gaps = CoverageGaps(self._thresholds)
        self._updates = SymbolUpdates(records, self._thresholds, self._trade_filter, self._gaps)
        self._register = self._updates.register
        self._tracker = self._updates.tracker
        is_first_start = all(each.state is SymbolState.ANNOUNCED for each in records)
        self._baseline = BaselineCollector(self._thresholds) if is_first_start else None
        self._first_frame = FirstFrame()
        self._newcomers = NewcomerFilter(self._thresholds, self._register)
        self.vanished = VanishedSymbols(self._thresholds, self._gaps)
        self._name_quarantines = Quarantines(self._thresholds, lambda: self._register.tradable)
        self._snapshot_quarantines = Quarantines(self._thresholds, lambda: self._register.shown)

    @property
    def has_baseline(self) -> bool:
        """Return whether new symbols can be recognised."""
        return self._baseline is None

    @property
    def counts(self) -> Mapping[SymbolState, int]:
        """Number of symbols in each state. May be read from other threads."""
        return self._register.counts

    def observe(self, event: SourceEvent) -> ObservationResult:
        """Process *event*. A rejected one changes nothing."""
        return run_to_end(self.observe_in_steps(event))

    def observe_in_steps(self, event: SourceEvent) -> Steps[ObservationResult]:
        """Process *event* in steps of a few milliseconds. Observe nothing else until the last step."""
        match event:
            case Announcement():
                return self._observe_announcement(event)
            case SymbolNames() if self._baseline is not None:
                return (yield from self._baseline.collect(event))
            case SymbolNames(complete=False):
                return self._observe_tickers(event)
            case FirstTrade():
                return self._observe_trade(event)
            case SymbolNames():
                return (yield from self._observe_names(event))
            case Snapshot():
                return (yield from self._observe_snapshot(event))

    def confirm(self, sighting: Sighting) -> SymbolRecord | None:
        """Return the record to store once *sighting* is confirmed by the broker; None where there is none."""
        return self._updates.confirm(sighting)

    def latest(self, sighting: Sighting) -> Sighting:
        """Return *sighting* with what is known of its listing by now."""
        return self._updates.latest(sighting)

    def upcoming(self, now: datetime) -> Sequence[Upcoming]:
        """Return symbols announced or shown and not known to trade, soonest first, those without a time last.

        Being among the tradable names is no proof of trading: openings may be late. Openings long overdue are left out.
        """
        since = now - self._thresholds.late_opening_max
        waiting = [self._register.records[symbol] for symbol in self._register.waiting]
        due = [
            Upcoming(record.symbol, record.opens_at)
            for record in waiting
            if (record.opens_at or record.first_seen_at) > since
        ]
        return sorted(due, key=lambda each: (each.opens_at is None, each.opens_at or now, each.symbol))

    def _observe_announcement(self, event: Announcement) -> ObservationResult:
        symbol, opens_at, at = event.symbol, event.opens_at, event.observed_at
        if self._baseline is not None:
            return self._baseline.announce(symbol, opens_at)
        before = self._register.records.get(symbol)
        if before is None and (
            opens_at <= at - self._thresholds.late_opening_max or self._newcomers.overflow([symbol])
        ):
            return UNCHANGED
        if before is not None and before.state is SymbolState.GONE and opens_at <= at:
            return UNCHANGED
        builder = ResultBuilder(event.source, at)
        self._updates.announce(builder, symbol, opens_at)
        return builder.build()

    def _observe_tickers(self, event: SymbolNames) -> ObservationResult:
        """Process a ticker frame. Without news it costs two set operations, however many symbols it holds."""
        names, builder = event.symbols, ResultBuilder(event.source, event.observed_at, event.price_of)
        if self._first_frame.includes(builder.at):
            for name in names:
                if name not in self._register.records:
                    self._updates.add_baseline(builder, baseline_record(name, builder.at))
        late = self._gaps.ticker_is_late(builder.at)
        news, builder.reason = self._newcomers.filter_tickers(
            self._tracker.unreported(builder.source, names), builder.at
        )

        def show(symbol: str) -> None:
            if symbol not in self._register.shown:
                self._updates.appear(builder, symbol, late=late)
                self._updates.open_by_ticker(builder, symbol)
            else:
                self._updates.tick(builder, symbol)
            self._updates.report(builder, symbol)

        run_to_end(for_each_isolated(news, show, builder.faults))
        waiting = self._register.waiting & names
        run_to_end(for_each_isolated(waiting, partial(self._updates.tick, builder), builder.faults))
        self.vanished.seen(names)
        self._gaps.ticked(builder.at)
        return builder.build()

    def _observe_trade(self, event: FirstTrade) -> ObservationResult:
        symbol = event.symbol
        if self._baseline is not None:
            return UNCHANGED
        builder = ResultBuilder(event.source, event.observed_at, lambda _: event.price)
        late = self._gaps.ticker_is_late(builder.at)
        is_reported = self._tracker.is_reported(builder.source, symbol)
        accepted, builder.reason = self._newcomers.filter_tickers({symbol}, builder.at)
        if not accepted:
            return builder.build()
        if symbol not in self._register.shown:
            self._updates.appear(builder, symbol, late=late)
        self._updates.trade(builder, symbol)
        if not is_reported:
            self._updates.report(builder, symbol)
        self.vanished.seen({symbol})
        return builder.build()

    def _observe_names(self, event: SymbolNames) -> Steps[ObservationResult]:
        names, builder = event.symbols, ResultBuilder(event.source, event.observed_at)
        unreported = yield from self._tracker.unreported_in_steps(builder.source, names)
        appearing = self._register.new_among(unreported)
        builder.reason = yield from self._rejection(self._name_quarantines, event, names, appearing)
        if builder.reason:
            return builder.build()
        late = self._gaps.list_is_late(builder.at)
        yield from self._updates.update_names(builder, names)
        self._appear(builder, appearing, {}, late=late)
        yield from for_each_isolated(sorted(unreported), partial(self._updates.report, builder), builder.faults)
        self.vanished.seen(names)
        self._newcomers.listed(names)
        self._gaps.listed(builder.at, is_snapshot=False)
        return builder.build()

    def _observe_snapshot(self, event: Snapshot) -> Steps[ObservationResult]:
        if self._baseline is not None:
            return (yield from self._complete_baseline(self._baseline, event))
        builder, infos = ResultBuilder(event.source, event.observed_at), dict[str, SymbolInfo]()
        yield from for_each(event.symbols, lambda info: infos.update({info.symbol: info}))
        names = infos.keys()
        unreported = yield from self._tracker.unreported_in_steps(builder.source, names)
        appearing = self._register.new_among(unreported)
        builder.reason = yield from self._rejection(self._snapshot_quarantines, event, names, appearing)
        if builder.reason:
            return builder.build()
        self._appear(builder, appearing, infos, late=self._gaps.list_is_late(builder.at))
        yield from for_each_isolated(infos.values(), partial(self._updates.describe, builder), builder.faults)
        yield from for_each_isolated(sorted(unreported), partial(self._updates.report, builder), builder.faults)
        gone = yield from self.vanished.missed(self._register.shown, names, self._updates.described, builder.at)
        yield from for_each_isolated(gone, partial(self._updates.delist, builder), builder.faults)
        self._newcomers.listed(names)
        self._gaps.listed(builder.at, is_snapshot=True)
        return builder.build()

    def _complete_baseline(self, baseline: BaselineCollector, snapshot: Snapshot) -> Steps[ObservationResult]:
        if not snapshot.symbols:
            return EMPTY_ANSWER
        if not baseline.is_complete_with(snapshot):
            return UNCHANGED
        builder = ResultBuilder(snapshot.source, snapshot.observed_at)
        infos = dict[str, SymbolInfo]()
        yield from for_each(snapshot.symbols, lambda info: infos.update({info.symbol: info}))
        shown = infos.keys()
        builder.reason = yield from baseline.rejection(snapshot.source, shown)
        if builder.reason:
            return builder.build()
        yield from for_each(baseline.described_by(snapshot), partial(self._updates.add_baseline, builder))
        unlisted = yield from baseline.missing_from(shown)
        yield from for_each(unlisted, partial(self._updates.add_baseline, builder))
        self._updates.remember_infos(infos)
        self._name_quarantines.start(snapshot.source, baseline.names_of(snapshot.source))
        self._snapshot_quarantines.start(snapshot.source, shown)
        self._first_frame = baseline.first_frame()
        self._baseline = None
        self._gaps.listed(snapshot.observed_at, is_snapshot=True)
        yield
        return builder.build()

    def _rejection(
        self,
        quarantines: Quarantines,
        event: SymbolNames | Snapshot,
        shown: AbstractSet[str],
        appearing: Sequence[str],
    ) -> Steps[str]:
        rejection = yield from quarantines.rejection(event.source, shown, len(appearing))
        return rejection or self._newcomers.overflow(appearing)

    def _appear(
        self, builder: ResultBuilder, symbols: Sequence[str], infos: Mapping[str, SymbolInfo], *, late: bool
    ) -> None:
        for symbol in symbols:
            self._updates.appear(builder, symbol, late=late, info=infos.get(symbol))
