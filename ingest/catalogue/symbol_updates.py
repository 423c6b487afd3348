"""Updates of single symbols by accepted source events."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from ingest.catalogue import transitions
from ingest.catalogue.list_views import ListViews
from ingest.catalogue.openings import OpeningSource, OpeningTimes, TradingSigns
from ingest.catalogue.plausibility.coverage import CoverageGaps
from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.plausibility.vanished_symbols import Vanished
from ingest.catalogue.publications import PublicationTracker, ResultBuilder, Sighting, TradeFilter
from ingest.catalogue.symbol_register import SymbolRecord, SymbolRegister, SymbolState
from ingest.stepwise import Steps, for_each_isolated
from shared.mexc.symbols import SymbolInfo


class SymbolUpdates:
    """Applies events to records, and adds what is to be published and stored to a result builder."""

    def __init__(
        self,
        records: Iterable[SymbolRecord],
        thresholds: Thresholds,
        trade_filter: TradeFilter,
        gaps: CoverageGaps,
    ) -> None:
        self.register = SymbolRegister(records)
        self.tracker = PublicationTracker(self.register.shown, trade_filter)
        self._thresholds, self._gaps = thresholds, gaps
        self._openings = OpeningTimes(thresholds, self.register.moved_openings())
        self._lists = ListViews()
        self._awaited: set[str] = set()
        """Listings whose opening is waited for, and was not stated: reported as closed, or withdrawn before."""
        self._signs = TradingSigns()

    @property
    def described(self) -> AbstractSet[str]:
        """Symbols described by a snapshot since the start, and not gone."""
        return self._lists.infos.keys()

    def add_baseline(self, builder: ResultBuilder, record: SymbolRecord) -> None:
        """Store *record* as part of the baseline."""
        self.register.put(record)
        self.tracker.add_baseline(record.symbol)
        builder.records[record.symbol] = record

    def remember_infos(self, infos: Mapping[str, SymbolInfo]) -> None:
        """Remember descriptions without deriving anything from them."""
        self._lists.infos.update(infos)

    def appear(self, builder: ResultBuilder, symbol: str, *, late: bool, info: SymbolInfo | None = None) -> None:
        """Begin a listing of *symbol*."""
        before = self.register.records.get(symbol)
        if before is not None and before.state is SymbolState.ANNOUNCED and before.published:
            self._awaited.add(symbol)
        record = transitions.appeared(before, symbol, builder.at)
        if not late:
            record = transitions.without_passed_opening(record, builder.at, self._thresholds.on_time)
        if info is not None:
            self._lists.infos[symbol] = info
            stated = transitions.of_this_listing(info.first_open_time, record, self._thresholds.fresh_for)
            opens_at = self._openings.resolve(symbol, OpeningSource.EXCHANGE_INFO, stated, record.opens_at)
            record = replace(transitions.with_assets(record, info), opens_at=opens_at)
        late = late or transitions.opened_long_ago(record, builder.at, self._thresholds.fresh_for)
        record = transitions.with_state(replace(record, late=late), self._lists.access(symbol), builder.at)
        self.register.put(record)
        self.tracker.begin_listing(record)

    def report(self, builder: ResultBuilder, symbol: str) -> None:
        builder.sightings.append(self._sighting(builder, self.register.records[symbol]))

    def latest(self, sighting: Sighting) -> Sighting:
        """Return *sighting* with what is known of its listing by now."""
        record = self.register.records.get(sighting.record.symbol)
        if record is None or not record.is_shown or record.occurrence != sighting.record.occurrence:
            return sighting
        return self.tracker.latest(sighting, record, self._info_for_readers(record))

    def confirm(self, sighting: Sighting) -> SymbolRecord | None:
        """Return the record to store once *sighting* is confirmed by the broker; None where there is none."""
        record = self.register.records[sighting.record.symbol]
        if self.tracker.confirm(sighting, record):
            self.register.put(replace(record, published=True))
        elif self.tracker.storable(record) is None:
            # The listing of *sighting* has ended, and the next one is not confirmed yet.
            return transitions.gone(replace(sighting.record, published=True), record.first_seen_at)
        return self.tracker.storable(self.register.records[record.symbol])

    def describe(self, builder: ResultBuilder, info: SymbolInfo) -> None:
        """Apply the description of a symbol, where it changed or an opening is awaited."""
        symbol = info.symbol
        if self._lists.infos.get(symbol) == info and symbol not in self.register.waiting:
            return
        self._lists.infos[symbol] = info
        before = record = self.register.records[symbol]
        stated = transitions.of_this_listing(info.first_open_time, record, self._thresholds.fresh_for)
        if stated is not None and self._signs.yields_to(symbol, stated, builder.at):
            record = replace(record, opens_at=None)
        opens_at = stated or record.opens_at
        if self._signs.is_proven(symbol) and opens_at is not None and opens_at > builder.at:
            opens_at = record.opens_at
        elif symbol in self.register.waiting or record.opens_at is None:
            opens_at = self._openings.resolve(symbol, OpeningSource.EXCHANGE_INFO, stated, record.opens_at)
        self._change_opening(builder, before, transitions.with_assets(record, info), opens_at)

    def announce(self, builder: ResultBuilder, symbol: str, stated: datetime) -> None:
        """Apply the calendar's opening *stated* to *symbol*."""
        before = self.register.records.get(symbol)
        if before is not None and before.trading_since is not None and before.is_shown:
            return
        if before is not None and before.is_shown:
            opens_at = self._openings.resolve(symbol, OpeningSource.CALENDAR, stated, before.opens_at)
            self._change_opening(builder, before, before, opens_at)
        else:
            self._put(builder, transitions.announced(before, symbol, builder.at, stated))

    def open_by_ticker(self, builder: ResultBuilder, symbol: str) -> None:
        """Apply the ticker that *symbol* appeared with, which shows that it trades."""
        record = self.register.records[symbol]
        if record.opens_after(builder.at):
            self._signs.note_early(symbol, builder.price_of)
        elif symbol in self._awaited:
            self._start_trading(builder, record)
        else:
            self._mark_trading(builder, record)

    def tick(self, builder: ResultBuilder, symbol: str) -> None:
        """Apply a ticker of *symbol*. Call before it counts as coverage.

        A ticker before a known opening is no sign of trading, nor is the same price after it.
        """
        record = self.register.records[symbol]
        if not record.is_shown or record.trading_since is not None:
            return
        if record.opens_after(builder.at):
            self._signs.note_early(symbol, builder.price_of)
        elif self._signs.shows_trading(symbol, builder.price_of) and self._start_trading(builder, record):
            self._signs.note_ticker_only(symbol)

    def trade(self, builder: ResultBuilder, symbol: str) -> None:
        """Apply a trade of *symbol*, which trades by it whatever its opening."""
        before = self.register.records[symbol]
        self._signs.prove(symbol)
        if before.late and before.opens_after(builder.at) and not self.tracker.is_reported_by_any(symbol):
            # It did not wait for that opening, so its own is unknown.
            before = replace(before, opens_at=None)
        if before.trading_since is None:
            self._start_trading(builder, before)
        elif not before.late:
            # A later opening stated from now on is wrong, after a restart, too.
            self._put(builder, replace(before, opens_at=before.opens_at or before.trading_since))

    def _start_trading(self, builder: ResultBuilder, before: SymbolRecord) -> bool:
        """Apply the first sign of trading; return whether it is published as the opening."""
        after = transitions.with_trading(before, builder.at, self._lists.access(before.symbol), builder.at)
        self._openings.forget(before.symbol)
        opened_at = self._gaps.opened_at(builder.at, before.watched_since)
        is_awaited = before.symbol in self._awaited
        opening = transitions.opening_seen(before, opened_at, builder.at, self._thresholds, is_awaited=is_awaited)
        self._awaited.discard(before.symbol)
        if opening is None:
            self._put(builder, after)
        else:
            self._publish_opening(builder, before, replace(after, opens_at=opening))
        return opening is not None

    def update_names(self, builder: ResultBuilder, names: AbstractSet[str]) -> Steps[None]:
        """Apply *names*, the tradable ones by API."""
        changed = (yield from self._lists.take_names(names, self.register.tradable)) & self.register.shown
        waiting = self.register.waiting & names & self.register.shown
        yield from for_each_isolated(changed, partial(self.refresh_state, builder), builder.faults)
        yield from for_each_isolated(waiting, partial(self._assume_trading, builder), builder.faults)

    def refresh_state(self, builder: ResultBuilder, symbol: str) -> None:
        """Derive the state of *symbol* again."""
        record, access = self.register.records[symbol], self._lists.access(symbol)
        self._put(builder, transitions.with_state(record, access, builder.at))

    def delist(self, builder: ResultBuilder, vanished: Vanished) -> None:
        """Apply the confirmed delisting of a symbol."""
        symbol, missing_since = vanished
        record = self.register.records[symbol]
        shown_closed = self._lists.is_closed(symbol) and not self._signs.came_early(symbol)
        shown_closed = shown_closed and self._gaps.have_ticked_since(record.first_seen_at, builder.at)
        if transitions.never_traded(record, missing_since, shown_closed=shown_closed):
            self._put(builder, transitions.withdrawn(record))
        else:
            self._put(builder, transitions.gone(record, builder.at))
        self.tracker.end_listing(symbol)
        self._openings.forget(symbol)
        self._signs.forget(symbol)
        self._lists.forget(symbol)
        self._awaited.discard(symbol)

    def _assume_trading(self, builder: ResultBuilder, symbol: str) -> None:
        """Mark a symbol as trading that has been tradable for long."""
        record = self.register.records[symbol]
        since = max(record.opens_at or record.first_seen_at, record.first_seen_at)
        if builder.at - since > self._thresholds.late_opening_max:
            self._mark_trading(builder, record, since)
        else:
            self.refresh_state(builder, symbol)

    def _mark_trading(self, builder: ResultBuilder, record: SymbolRecord, since: datetime | None = None) -> None:
        self._openings.forget(record.symbol)
        access = self._lists.access(record.symbol)
        self._put(builder, transitions.with_trading(record, since or builder.at, access, builder.at))

    def _change_opening(
        self, builder: ResultBuilder, before: SymbolRecord, after: SymbolRecord, opens_at: datetime | None
    ) -> None:
        after, moved = transitions.reopening(after, opens_at, builder.at)
        if after.symbol in self._awaited and before.opens_at is None and after.opens_at is not None:
            moved = not transitions.opened_long_ago(after, builder.at, self._thresholds.fresh_for)
        after = transitions.with_state(after, self._lists.access(after.symbol), builder.at)
        if moved:
            self._publish_opening(builder, before, after)
        else:
            self._put(builder, after)

    def _publish_opening(self, builder: ResultBuilder, before: SymbolRecord, after: SymbolRecord) -> None:
        """Publish a moved opening of a published listing; a source that has yet to report the listing does it then."""
        if self.tracker.is_published(before):
            self.tracker.opening_moved(before)
            if self.tracker.is_reported(builder.source, after.symbol):
                builder.rescheduled.append(self._sighting(builder, after))
        self._put(builder, after)

    def _put(self, builder: ResultBuilder, record: SymbolRecord) -> None:
        if record == self.register.records.get(record.symbol):
            return
        self.register.put(record)
        storable = self.tracker.storable(record)
        if storable is not None:
            builder.records[record.symbol] = storable

    def _sighting(self, builder: ResultBuilder, record: SymbolRecord) -> Sighting:
        return self.tracker.sighting(builder, record, self._info_for_readers(record))

    def _info_for_readers(self, record: SymbolRecord) -> SymbolInfo | None:
        """Return the description to publish with *record*; readers of one that is closed await its opening."""
        if record.opens_at is None and self._lists.is_closed(record.symbol):
            self._awaited.add(record.symbol)
        return self._lists.infos.get(record.symbol)
