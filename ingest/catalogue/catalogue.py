"""Which evidence to believe, and which symbols it concerns."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from ingest.catalogue.absences import Absences
from ingest.catalogue.coverage_gaps import Vigil
from ingest.catalogue.first_start import Baseline
from ingest.catalogue.newcomer_filter import Admission
from ingest.catalogue.publication_tracker import Objection
from ingest.catalogue.quarantine import Quarantine
from ingest.catalogue.result import EMPTY, NOTHING, Draft, Findings, Sighting
from ingest.catalogue.symbol_record import Known, State
from ingest.catalogue.symbol_updates import Lives
from ingest.catalogue.thresholds import Rules
from ingest.catalogue.transitions import old
from ingest.cooperative import Steps, for_each, for_each_alone, in_one_go
from ingest.source_events import Announcement, Evidence, FirstTrade, Names, Snapshot, Upcoming
from shared.events import Source
from shared.mexc.symbols import SymbolInfo


def _may_be_traded(_: Known) -> str:
    return ""


def _now_in(symbols: AbstractSet[str]) -> AbstractSet[str]:
    return dict.fromkeys(symbols).keys()


class Catalogue:
    """Every symbol ever shown to us, where it stands, and which sightings a piece of evidence amounts to.

    A symbol seen once stays seen: what is missing from later evidence is not new when it returns, unless it was
    confirmed to be gone in between.
    """

    def __init__(
        self, known: Iterable[Known] = (), rules: Rules | None = None, object_to: Objection = _may_be_traded
    ) -> None:
        self._rules = rules or Rules()
        self._object_to = object_to
        self.begin_anew(known)

    def begin_anew(self, known: Iterable[Known]) -> None:
        """Forget everything but the symbols *known*, as at a start: what appears before the first snapshot is late."""
        known = tuple(known)
        self._lives = Lives(known, self._rules, self._object_to)
        self._register = self._lives.register
        self._reports = self._lives.reports
        is_first_start = all(each.state is State.ANNOUNCED for each in known)
        self._baseline = Baseline(self._rules) if is_first_start else None
        self._awaits_old_frame = False
        self._old_frame_at: datetime | None = None
        self._admission = Admission(self._rules, self._register)
        self._vigil = Vigil(self._rules)
        self._absences = Absences(self._rules)
        self._names: dict[Source, Quarantine] = {}
        self._snapshots: dict[Source, Quarantine] = {}

    @property
    def has_baseline(self) -> bool:
        """Whether a symbol can be told to be new."""
        return self._baseline is None

    @property
    def counts(self) -> Mapping[State, int]:
        """How many symbols are in each state. May be read from other threads."""
        return self._register.counts

    def observe(self, evidence: Evidence) -> Findings:
        """Take *evidence* in. What is not believed changes nothing."""
        return in_one_go(self.observing(evidence))

    def observing(self, evidence: Evidence) -> Steps[Findings]:
        """Do the same in steps, each a few milliseconds at most. Until the last nothing else may be observed."""
        match evidence:
            case Announcement():
                return self._announced(evidence)
            case Names() if self._baseline is not None:
                return (yield from self._baseline.note(evidence))
            case Names(complete=False):
                return self._ticked(evidence)
            case FirstTrade():
                return self._traded(evidence)
            case Names():
                return (yield from self._named(evidence))
            case Snapshot():
                return (yield from self._described(evidence))

    def confirm(self, sighting: Sighting) -> Known | None:
        """Return the symbol as it is to be stored now that *sighting* is safe, if it is."""
        return self._lives.confirm(sighting)

    def upcoming(self, now: datetime) -> Sequence[Upcoming]:
        """Return the symbols announced or shown and not known to trade, soonest first, those without a time last.

        To be among the tradable names is no trade: an opening may be late. One that was due long ago is not waited for
        any more.
        """
        since = now - self._rules.patience
        waiting = [self._register[symbol] for symbol in self._register.waiting]
        due = [
            Upcoming(known.symbol, known.opens_at)
            for known in waiting
            if (known.opens_at or known.first_seen_at) > since
        ]
        return sorted(due, key=lambda each: (each.opens_at is None, each.opens_at or now, each.symbol))

    def _announced(self, evidence: Announcement) -> Findings:
        symbol, opens_at, at = evidence.symbol, evidence.opens_at, evidence.observed_at
        if self._baseline is not None:
            return self._baseline.announce(symbol, opens_at)
        before = self._register.get(symbol)
        if before is None and (opens_at <= at - self._rules.patience or self._admission.overflow([symbol])):
            return NOTHING
        if before is not None and before.state is State.GONE and opens_at <= at:
            return NOTHING
        draft = Draft(evidence.source, at)
        self._lives.announce(draft, symbol, opens_at)
        return draft.findings()

    def _ticked(self, evidence: Names) -> Findings:
        """A ticker frame. Without news it costs two set operations, however many symbols it holds."""
        names = evidence.symbols
        draft = Draft(evidence.source, evidence.observed_at, evidence.price_of)
        if self._is_old_frame(draft.at):
            for name in names:
                if name not in self._register:
                    self._lives.settle(draft, old(name, draft.at))
        late, opened_at = self._vigil.ticks_late(draft.at), self._vigil.opened_at(draft.at)
        news, draft.reason = self._admission.of_ticking(self._reports.untold(draft.source, names), draft.at)

        def show(symbol: str) -> None:
            if symbol not in self._register.shown:
                self._lives.appear(draft, symbol, late=late)
                self._lives.start(draft, symbol)
            else:
                self._lives.tick(draft, symbol, opened_at)
            self._lives.report(draft, symbol)

        in_one_go(for_each_alone(news, show, draft.faults))
        waiting = self._register.waiting & names
        in_one_go(for_each_alone(waiting, lambda symbol: self._lives.tick(draft, symbol, opened_at), draft.faults))
        self._absences.seen(names)
        self._vigil.ticked(draft.at)
        return draft.findings()

    def _traded(self, evidence: FirstTrade) -> Findings:
        symbol = evidence.symbol
        if self._baseline is not None:
            return NOTHING
        draft = Draft(evidence.source, evidence.observed_at, lambda _: evidence.price)
        late, opened_at = self._vigil.ticks_late(draft.at), self._vigil.opened_at(draft.at)
        is_told = self._reports.is_told(draft.source, symbol)
        believed, draft.reason = self._admission.of_ticking({symbol}, draft.at)
        if not believed:
            return draft.findings()
        if symbol not in self._register.shown:
            self._lives.appear(draft, symbol, late=late)
            opened_at = draft.at
        self._lives.trade(draft, symbol, opened_at)
        if not is_told:
            self._lives.report(draft, symbol)
        self._absences.seen({symbol})
        return draft.findings()

    def _named(self, evidence: Names) -> Steps[Findings]:
        names, draft = evidence.symbols, Draft(evidence.source, evidence.observed_at)
        quarantine = self._names.get(evidence.source)
        if quarantine is None:
            quarantine = self._names[evidence.source] = Quarantine(self._rules, _now_in(self._register.tradable))
            yield
        untold = yield from self._reports.untold_of_many(draft.source, names)
        appearing = self._register.new_among(untold)
        draft.reason = yield from self._doubt(quarantine, names, appearing)
        if draft.reason:
            return draft.findings()
        late = self._vigil.tells_late(draft.at)
        yield from self._lives.rename(draft, names)
        self._appear(draft, appearing, {}, late=late)
        yield from for_each_alone(sorted(untold), partial(self._lives.report, draft), draft.faults)
        self._absences.seen(names)
        self._admission.listed(names)
        self._vigil.listed(draft.at, is_snapshot=False)
        return draft.findings()

    def _described(self, evidence: Snapshot) -> Steps[Findings]:
        if self._baseline is not None:
            return (yield from self._begin(self._baseline, evidence))
        draft, infos = Draft(evidence.source, evidence.observed_at), dict[str, SymbolInfo]()
        yield from for_each(evidence.symbols, lambda info: infos.update({info.symbol: info}))
        names = infos.keys()
        quarantine = self._snapshots.get(evidence.source)
        if quarantine is None:
            quarantine = self._snapshots[evidence.source] = Quarantine(self._rules, _now_in(self._register.shown))
            yield
        untold = yield from self._reports.untold_of_many(draft.source, names)
        appearing = self._register.new_among(untold)
        draft.reason = yield from self._doubt(quarantine, names, appearing)
        if draft.reason:
            return draft.findings()
        self._appear(draft, appearing, infos, late=self._vigil.tells_late(draft.at))
        yield from for_each_alone(infos.values(), partial(self._lives.describe, draft), draft.faults)
        yield from for_each_alone(sorted(untold), partial(self._lives.report, draft), draft.faults)
        gone = yield from self._absences.missed(self._register.shown, names, self._lives.described, draft.at)
        yield from for_each_alone(gone, partial(self._lives.vanish, draft), draft.faults)
        self._admission.listed(names)
        self._vigil.listed(draft.at, is_snapshot=True)
        return draft.findings()

    def _begin(self, baseline: Baseline, snapshot: Snapshot) -> Steps[Findings]:
        if not snapshot.symbols:
            return EMPTY
        if not baseline.is_complete_with(snapshot):
            return NOTHING
        draft = Draft(snapshot.source, snapshot.observed_at)
        infos = dict[str, SymbolInfo]()
        yield from for_each(snapshot.symbols, lambda info: infos.update({info.symbol: info}))
        shown = infos.keys()
        draft.reason = yield from baseline.doubt(snapshot.source, shown)
        if draft.reason:
            return draft.findings()
        yield from for_each(baseline.described_by(snapshot), partial(self._lives.settle, draft))
        unlisted = yield from baseline.missing_from(shown)
        yield from for_each(unlisted, partial(self._lives.settle, draft))
        self._lives.note(infos)
        self._names[snapshot.source] = Quarantine(self._rules, baseline.names_of(snapshot.source))
        self._snapshots[snapshot.source] = Quarantine(self._rules, shown)
        self._awaits_old_frame, self._old_frame_at = baseline.ticked_at is None, baseline.ticked_at
        self._baseline = None
        self._vigil.listed(snapshot.observed_at, is_snapshot=True)
        yield
        return draft.findings()

    def _doubt(self, quarantine: Quarantine, shown: AbstractSet[str], appearing: Sequence[str]) -> Steps[str]:
        doubt = yield from quarantine.doubt(shown, len(appearing))
        return doubt or self._admission.overflow(appearing)

    def _is_old_frame(self, at: datetime) -> bool:
        """Return whether the frame of *at*, which may come in pieces, still belongs to the very first start.

        Some symbols tick that no list shows: those of the first frame were there before.
        """
        if self._awaits_old_frame:
            self._awaits_old_frame, self._old_frame_at = False, at
        return at == self._old_frame_at

    def _appear(self, draft: Draft, symbols: Sequence[str], infos: Mapping[str, SymbolInfo], *, late: bool) -> None:
        for symbol in symbols:
            self._lives.appear(draft, symbol, late=late, info=infos.get(symbol))
