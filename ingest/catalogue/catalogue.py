"""Which evidence to believe, and which symbols it concerns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ingest.catalogue.absences import Absences
from ingest.catalogue.admission import Admission
from ingest.catalogue.draft import Draft
from ingest.catalogue.findings import EMPTY, NOTHING, Findings, Sighting
from ingest.catalogue.first_start import Baseline
from ingest.catalogue.known import Known, State
from ingest.catalogue.lives import Lives
from ingest.catalogue.quarantine import Quarantine
from ingest.catalogue.reports import Objection
from ingest.catalogue.rules import Rules
from ingest.catalogue.transitions import old
from ingest.catalogue.vigil import Vigil
from ingest.evidence import Announcement, Evidence, FirstTrade, Names, Snapshot, Upcoming
from shared.events import Source
from shared.mexc.symbols import SymbolInfo


def _may_be_traded(_: Known) -> str:
    return ""


class Catalogue:
    """Every symbol ever shown to us, where it stands, and which sightings a piece of evidence amounts to.

    A symbol seen once stays seen: what is missing from later evidence is not new when it returns, unless it was
    confirmed to be gone in between.
    """

    def __init__(
        self, known: Iterable[Known] = (), rules: Rules | None = None, object_to: Objection = _may_be_traded
    ) -> None:
        known = tuple(known)
        self._rules = rules or Rules()
        self._lives = Lives(known, self._rules, object_to)
        self._register = self._lives.register
        self._reports = self._lives.reports
        is_first_start = all(each.state is State.ANNOUNCED for each in known)
        self._baseline = Baseline(self._rules) if is_first_start else None
        self._awaits_old_frame = False
        self._old_frame_at: datetime | None = None
        self._admission = Admission(self._rules, self._register)
        self._vigil = Vigil(self._rules.blind_after)
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
        match evidence:
            case Announcement():
                return self._announced(evidence)
            case Names(complete=False):
                return self._ticked(evidence)
            case FirstTrade():
                return self._traded(evidence)
            case Names():
                return self._named(evidence)
            case Snapshot():
                return self._described(evidence)

    def confirm(self, sighting: Sighting) -> Known | None:
        """Return the symbol as it is to be stored now that *sighting* is safe, if it is."""
        return self._lives.confirm(sighting)

    def upcoming(self, now: datetime) -> Sequence[Upcoming]:
        """Return what is announced or listed and not known to trade, soonest first, those without a time last.

        One that was due long ago is not waited for any more.
        """
        since = now - self._rules.patience
        waiting = [self._register[symbol] for symbol in self._register.waiting]
        due = [
            Upcoming(known.symbol, known.opens_at)
            for known in waiting
            if known.state in {State.ANNOUNCED, State.LISTED} and (known.opens_at or known.first_seen_at) > since
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
        if self._baseline is not None:
            return self._baseline.note(evidence)
        draft = Draft(evidence.source, evidence.observed_at, evidence.price_of)
        if self._is_old_frame(draft.at):
            self._lives.settle(draft, [old(name, draft.at) for name in names if name not in self._register])
        late = self._vigil.ticks_late(draft.at)
        news, draft.reason = self._admission.of_ticking(names - self._reports.told_by(draft.source), draft.at)
        for symbol in news:
            if symbol not in self._register.shown:
                self._lives.appear(draft, symbol, late=late)
            self._lives.tick(draft, symbol)
            self._lives.report(draft, symbol)
        for symbol in self._register.waiting & names:
            self._lives.tick(draft, symbol)
        self._absences.seen(names)
        self._vigil.ticked(draft.at)
        return draft.findings()

    def _traded(self, evidence: FirstTrade) -> Findings:
        symbol = evidence.symbol
        if self._baseline is not None:
            return NOTHING
        draft = Draft(evidence.source, evidence.observed_at, lambda _: evidence.price)
        late = self._vigil.ticks_late(draft.at)
        is_told = symbol in self._reports.told_by(draft.source)
        believed, draft.reason = self._admission.of_ticking({symbol}, draft.at)
        if not believed:
            return draft.findings()
        if symbol not in self._register.shown:
            self._lives.appear(draft, symbol, late=late)
        self._lives.trade(draft, symbol)
        if not is_told:
            self._lives.report(draft, symbol)
        self._absences.seen({symbol})
        return draft.findings()

    def _named(self, evidence: Names) -> Findings:
        names, draft = evidence.symbols, Draft(evidence.source, evidence.observed_at)
        if self._baseline is not None:
            return self._baseline.note(evidence) if names else EMPTY
        quarantine = self._names.get(evidence.source)
        if quarantine is None:
            quarantine = self._names[evidence.source] = Quarantine(self._rules, self._register.tradable())
        appearing = self._register.new_among(names - self._reports.told_by(draft.source))
        draft.reason = quarantine.doubt(names, len(appearing)) or self._admission.overflow(appearing)
        if draft.reason:
            return draft.findings()
        late = self._vigil.tells_late(draft.at)
        self._lives.rename(draft, names)
        self._appear(draft, appearing, {}, late=late)
        for symbol in sorted(names - self._reports.told_by(draft.source)):
            self._lives.report(draft, symbol)
        self._absences.seen(names)
        self._admission.listed(names)
        self._vigil.listed(draft.at, is_snapshot=False)
        return draft.findings()

    def _described(self, evidence: Snapshot) -> Findings:
        if self._baseline is not None:
            return self._begin(self._baseline, evidence)
        infos, draft = {info.symbol: info for info in evidence.symbols}, Draft(evidence.source, evidence.observed_at)
        quarantine = self._snapshots.get(evidence.source)
        if quarantine is None:
            quarantine = self._snapshots[evidence.source] = Quarantine(self._rules, frozenset(self._register.shown))
        appearing = self._register.new_among(infos.keys() - self._reports.told_by(draft.source))
        draft.reason = quarantine.doubt(frozenset(infos), len(appearing)) or self._admission.overflow(appearing)
        if draft.reason:
            return draft.findings()
        self._appear(draft, appearing, infos, late=self._vigil.tells_late(draft.at))
        for symbol in self._changed(infos):
            self._lives.describe(draft, infos[symbol])
        for symbol in sorted(infos.keys() - self._reports.told_by(draft.source)):
            self._lives.report(draft, symbol)
        for symbol in self._absences.missed(self._register.shown, infos.keys(), draft.at):
            self._lives.vanish(draft, symbol)
        self._admission.listed(infos.keys())
        self._vigil.listed(draft.at, is_snapshot=True)
        return draft.findings()

    def _begin(self, baseline: Baseline, snapshot: Snapshot) -> Findings:
        if not snapshot.symbols:
            return EMPTY
        if not baseline.is_complete_with(snapshot):
            return NOTHING
        draft = Draft(snapshot.source, snapshot.observed_at)
        draft.reason = baseline.doubt(snapshot)
        if draft.reason:
            return draft.findings()
        self._lives.settle(draft, baseline.with_snapshot(snapshot).values())
        self._names[snapshot.source] = Quarantine(self._rules, baseline.names_of(snapshot.source))
        self._snapshots[snapshot.source] = Quarantine(self._rules, {info.symbol for info in snapshot.symbols})
        self._awaits_old_frame, self._old_frame_at = baseline.ticked_at is None, baseline.ticked_at
        self._baseline = None
        self._vigil.listed(snapshot.observed_at, is_snapshot=True)
        return draft.findings()

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

    def _changed(self, infos: Mapping[str, SymbolInfo]) -> list[str]:
        """Return which symbols to look at: those described anew, and those whose opening is awaited."""
        changed = [symbol for symbol, info in infos.items() if not self._lives.is_described_by(info)]
        awaited = self._register.waiting & infos.keys()
        return changed + sorted(awaited.difference(changed))
