"""What happens to one symbol when a piece of evidence is believed."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from ingest.catalogue import transitions
from ingest.catalogue.opening_times import Openings, Teller
from ingest.catalogue.publication_tracker import Objection, Reports
from ingest.catalogue.register import Register
from ingest.catalogue.result import Draft, Sighting
from ingest.catalogue.symbol_record import Known
from ingest.catalogue.thresholds import Rules
from ingest.catalogue.trading_signs import Signs
from ingest.catalogue.transitions import Access
from ingest.cooperative import Steps, for_each_alone, without
from shared.mexc.symbols import SymbolInfo


class Lives:
    """Keeps each symbol, what the lists say of it, and who has reported it; writes what follows into a draft."""

    def __init__(self, known: Iterable[Known], rules: Rules, object_to: Objection) -> None:
        self.register = Register(known)
        self.reports = Reports(self.register.shown, object_to)
        self._rules = rules
        self._openings = Openings(rules)
        self._names: AbstractSet[str] | None = None
        self._unnamed: set[str] = set()
        """Those that were among the names before."""
        self._infos: dict[str, SymbolInfo] = {}
        self._signs = Signs()

    @property
    def described(self) -> AbstractSet[str]:
        """Those that a snapshot has shown since the start, and that are not gone."""
        return self._infos.keys()

    def settle(self, draft: Draft, known: Known) -> None:
        """Take *known* for old."""
        self.register.put(known)
        self.reports.settle(known.symbol)
        draft.records[known.symbol] = known

    def note(self, infos: Mapping[str, SymbolInfo]) -> None:
        """Remember that a snapshot shows *infos*, of which nothing follows."""
        self._infos.update(infos)

    def appear(self, draft: Draft, symbol: str, *, late: bool, info: SymbolInfo | None = None) -> None:
        """A listing of *symbol* begins."""
        before = self.register.get(symbol)
        known = transitions.appeared(before, symbol, draft.at)
        if info is not None:
            self._infos[symbol] = info
            opens_at = self._openings.believe(symbol, Teller.EXCHANGE_INFO, info.first_open_time, known.opens_at)
            known = replace(transitions.described(known, info), opens_at=_of_this_life(opens_at, before))
        self.register.put(transitions.advanced(known, self._access(symbol), draft.at))
        self.reports.begin(known, late=late or transitions.opened_long_ago(known, draft.at, self._rules.fresh_for))

    def report(self, draft: Draft, symbol: str) -> None:
        draft.sightings.append(self._sighting(draft, self.register[symbol]))

    def confirm(self, sighting: Sighting) -> Known | None:
        """Return the symbol as it is to be stored now that *sighting* is safe, if it is."""
        known = self.register[sighting.known.symbol]
        if self.reports.confirm(sighting, known):
            self.register.put(replace(known, published=True))
        elif self.reports.storable(known) is None:
            # The listing that *sighting* told of has ended, and the news of the next is not safe yet.
            return transitions.gone(replace(sighting.known, published=True), known.first_seen_at)
        return self.reports.storable(self.register[known.symbol])

    def describe(self, draft: Draft, info: SymbolInfo) -> None:
        """A snapshot shows a symbol as *info*. That is news, or where an opening is awaited, said once more."""
        symbol = info.symbol
        if self._infos.get(symbol) == info and symbol not in self.register.waiting:
            return
        self._infos[symbol] = info
        before = known = self.register[symbol]
        if info.first_open_time is not None and self._signs.yields(symbol, info.first_open_time, draft.at):
            known = replace(known, opens_at=None)
        opens_at = info.first_open_time or known.opens_at
        if symbol in self.register.waiting or known.opens_at is None:
            opens_at = self._openings.believe(symbol, Teller.EXCHANGE_INFO, info.first_open_time, known.opens_at)
        self._reopen(draft, before, transitions.described(known, info), opens_at)

    def announce(self, draft: Draft, symbol: str, told: datetime) -> None:
        """The calendar says that *symbol* opens at *told*."""
        before = self.register.get(symbol)
        if before is not None and before.trading_since is not None and before.is_shown:
            return
        if before is not None and before.is_shown:
            opens_at = self._openings.believe(symbol, Teller.CALENDAR, told, before.opens_at)
            self._reopen(draft, before, before, opens_at)
        else:
            self._put(draft, transitions.announced(before, symbol, draft.at, told))

    def start(self, draft: Draft, symbol: str) -> None:
        """The ticker that *symbol* appeared by shows that it trades, and so does its listing."""
        known = self.register[symbol]
        if known.opens_after(draft.at):
            self._signs.early(symbol, draft.price_of)
        else:
            self._trades(draft, known)

    def tick(self, draft: Draft, symbol: str, opened_at: datetime | None) -> None:
        """A ticker shows *symbol*, which by it trades since *opened_at*, as far as that is known.

        Before its opening, if that is known, a ticker does not say that it trades, nor does the same one behind it.
        """
        known = self.register[symbol]
        if not known.is_shown or known.trading_since is not None:
            return
        if known.opens_after(draft.at):
            self._signs.early(symbol, draft.price_of)
        elif self._signs.says_more(symbol, draft.price_of) and self._begins(draft, known, opened_at):
            self._signs.only_ticked(symbol)

    def trade(self, draft: Draft, symbol: str, opened_at: datetime | None) -> None:
        """*symbol* trades, whatever was said of its opening, and since *opened_at* as far as that is known."""
        before = self.register[symbol]
        self._signs.proven(symbol)
        if before.trading_since is None:
            self._begins(draft, before, opened_at)
        else:
            # Whoever says from now on that it opens later is wrong.
            self._put(draft, replace(before, opens_at=before.opens_at or before.trading_since))

    def _begins(self, draft: Draft, before: Known, opened_at: datetime | None) -> bool:
        """Take the first sign that a listing trades; return whether that is published as its opening."""
        after = transitions.trading(before, draft.at, self._access(before.symbol), draft.at)
        self._openings.forget(before.symbol)
        opening = transitions.opening_seen(before, opened_at, draft.at, self._rules.on_time)
        if opening is None:
            self._put(draft, after)
        else:
            self._tell(draft, before, replace(after, opens_at=opening))
        return opening is not None

    def rename(self, draft: Draft, names: AbstractSet[str]) -> Steps[None]:
        """*names* are those that we could trade."""
        before = self.register.tradable if self._names is None else self._names
        self._names = names
        left = yield from without(before, names)
        joined = yield from without(names, before)
        self._unnamed = (self._unnamed | left) - joined
        changed, waiting = (left | joined) & self.register.shown, self.register.waiting & names & self.register.shown
        yield from for_each_alone(changed, partial(self.advance, draft), draft.faults)
        yield from for_each_alone(waiting, partial(self._harden, draft), draft.faults)

    def advance(self, draft: Draft, symbol: str) -> None:
        """Let the state of *symbol* follow what is known of it."""
        self._put(draft, transitions.advanced(self.register[symbol], self._access(symbol), draft.at))

    def vanish(self, draft: Draft, symbol: str) -> None:
        """*symbol* is confirmed to be gone."""
        self._put(draft, transitions.gone(self.register[symbol], draft.at))
        self.reports.end(symbol)
        self._openings.forget(symbol)
        self._signs.forget(symbol)
        self._infos.pop(symbol, None)
        self._unnamed.discard(symbol)

    def _harden(self, draft: Draft, symbol: str) -> None:
        """Take a symbol that could be traded for long for one that does trade."""
        known = self.register[symbol]
        since = max(known.opens_at or known.first_seen_at, known.first_seen_at)
        if draft.at - since > self._rules.sure_after:
            self._trades(draft, known, since)
        else:
            self.advance(draft, symbol)

    def _trades(self, draft: Draft, known: Known, since: datetime | None = None) -> None:
        self._openings.forget(known.symbol)
        access = self._access(known.symbol)
        self._put(draft, transitions.trading(known, since or draft.at, access, draft.at))

    def _reopen(self, draft: Draft, before: Known, after: Known, opens_at: datetime | None) -> None:
        after, moved = transitions.reopening(after, opens_at, draft.at)
        after = transitions.advanced(after, self._access(after.symbol), draft.at)
        if moved:
            self._tell(draft, before, after)
        else:
            self._put(draft, after)

    def _tell(self, draft: Draft, before: Known, after: Known) -> None:
        """Tell of a new opening, where the listing was told at all. A source that has yet to report it does so then."""
        if self.reports.is_published(before):
            self.reports.moved(before)
            if self.reports.is_told(draft.source, after.symbol):
                draft.rescheduled.append(self._sighting(draft, after))
        self._put(draft, after)

    def _put(self, draft: Draft, known: Known) -> None:
        if known == self.register.get(known.symbol):
            return
        self.register.put(known)
        storable = self.reports.storable(known)
        if storable is not None:
            draft.records[known.symbol] = storable

    def _sighting(self, draft: Draft, known: Known) -> Sighting:
        return self.reports.sighting(draft, known, self._infos.get(known.symbol))

    def _access(self, symbol: str) -> Access:
        info = self._infos.get(symbol)
        is_open = None if info is None else transitions.is_open(info)
        if self._names is not None and symbol in self._names:
            return Access(named=True, open=is_open)
        return Access(named=False if symbol in self._unnamed else None, open=is_open)


def _of_this_life(opens_at: datetime | None, before: Known | None) -> datetime | None:
    """Drop the opening of the listing that ended: exchangeInfo may still name it."""
    if opens_at is None or before is None or before.gone_since is None:
        return opens_at
    return opens_at if opens_at > before.gone_since else None
