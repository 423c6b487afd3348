"""What is known of every symbol, and which sightings a piece of evidence amounts to. No I/O, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from ingest.evidence import Announcement, Evidence, FirstTrade, Names, Snapshot, Upcoming
from shared.events import Source
from shared.mexc.symbols import SymbolInfo, split_symbol


class State(StrEnum):
    """Where a symbol stands in its life on the exchange."""

    ANNOUNCED = "announced"
    LISTED = "listed"
    """Shown, and not open for trading yet."""
    TRADABLE = "tradable"
    SUSPENDED = "suspended"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Known:
    """What outlives a restart of one symbol. The quote is empty where no known quote asset fits the name."""

    symbol: str
    state: State
    base_asset: str
    quote_asset: str
    first_seen_at: datetime
    opens_at: datetime | None = None
    occurrence: int = 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """One source saw one new symbol."""

    known: Known
    source: Source
    observed_at: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What follows from a piece of evidence."""

    sightings: tuple[Sighting, ...] = ()
    """To publish; the symbol is to be stored once that is confirmed."""
    records: tuple[Known, ...] = ()
    """To store now: there is nothing to publish about them."""
    believed: bool = True
    reason: str = ""
    """Why it was not believed."""
    rescheduled: tuple[Sighting, ...] = ()
    """Symbols sighted before whose opening time moved: to publish again."""


NOTHING: Final = Findings()
NOT_BELIEVED: Final = Findings(believed=False, reason="not a single symbol")


class Catalogue:
    """Every symbol ever shown to us, and who has reported which of them.

    A symbol seen once stays seen: what is missing from later evidence is neither forgotten nor new when it returns.
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._known = {each.symbol: each for each in known}
        self._settled = set(self._known)
        """Not new to anyone."""
        self._reported: defaultdict[Source, set[str]] = defaultdict(set)
        self._late: set[str] = set()
        self._unconfirmed: set[str] = set()
        self._caught_up = False
        self._baseline: _Baseline | None = None if self._known else _Baseline()

    @property
    def has_baseline(self) -> bool:
        """Whether a symbol can be told to be new."""
        return self._baseline is None

    def observe(self, evidence: Evidence) -> Findings:
        """Take *evidence* in. What shows no symbol at all is not believed: an exchange does not lose them all."""
        if isinstance(evidence, Announcement | FirstTrade):
            return NOTHING
        if not evidence.symbols:
            return NOT_BELIEVED
        if self._baseline is not None:
            return self._begin(self._baseline, evidence)
        match evidence:
            case Names():
                return Findings(self._sightings(evidence, evidence.symbols, {}))
            case Snapshot():
                infos = {info.symbol: info for info in evidence.symbols}
                sightings = self._sightings(evidence, infos.keys(), infos)
                self._caught_up = True
                return Findings(sightings, self._changes(evidence))

    def confirm(self, symbol: str) -> Known:
        """Return *symbol* as it is to be stored, now that its sighting is safe."""
        self._unconfirmed.discard(symbol)
        return self._known[symbol]

    def upcoming(self, now: datetime) -> Sequence[Upcoming]:
        """Return the symbols that are shown and not known to trade at *now*."""
        return [
            Upcoming(known.symbol, known.opens_at)
            for known in self._known.values()
            if known.state in {State.ANNOUNCED, State.LISTED} and (known.opens_at is None or known.opens_at > now)
        ]

    def _begin(self, baseline: "_Baseline", evidence: Names | Snapshot) -> Findings:
        known = baseline.complete(evidence)
        if not known:
            return NOTHING
        self._known = {each.symbol: each for each in known}
        self._settled = set(self._known)
        self._caught_up = True
        self._baseline = None
        return Findings(records=known)

    def _sightings(
        self, evidence: Names | Snapshot, names: AbstractSet[str], infos: Mapping[str, SymbolInfo]
    ) -> tuple[Sighting, ...]:
        reported = self._reported[evidence.source]
        new = sorted(names - self._settled - reported)
        reported.update(new)
        return tuple(
            Sighting(
                self._known.get(symbol) or self._meet(symbol, evidence.observed_at, infos.get(symbol)),
                evidence.source,
                evidence.observed_at,
                late=symbol in self._late,
            )
            for symbol in new
        )

    def _meet(self, symbol: str, observed_at: datetime, info: SymbolInfo | None) -> Known:
        known = _met(symbol, observed_at, info)
        self._known[symbol] = known
        self._unconfirmed.add(symbol)
        if not self._caught_up:
            # Until the first snapshot since the start, nothing tells an opening of now from one of last night.
            self._late.add(symbol)
        return known

    def _changes(self, snapshot: Snapshot) -> tuple[Known, ...]:
        changed = []
        for info in snapshot.symbols:
            before = self._known[info.symbol]
            after = _updated(before, info, snapshot.observed_at)
            if after != before:
                self._known[info.symbol] = after
                changed.append(after)
        return tuple(known for known in changed if known.symbol not in self._unconfirmed)


class _Baseline:
    """Collects what was there before we looked: all that is seen until one source gave both its names and a snapshot.

    Both, because a name which only one of the two shows would look new the first time the other is read.
    """

    def __init__(self) -> None:
        self._names: dict[str, datetime] = {}
        self._named_by: set[Source] = set()

    def complete(self, evidence: Names | Snapshot) -> tuple[Known, ...]:
        """Take *evidence* in; return the baseline when that completes it."""
        match evidence:
            case Names():
                self._names.update(dict.fromkeys(evidence.symbols, evidence.observed_at))
                self._named_by.add(evidence.source)
                return ()
            case Snapshot() if evidence.source not in self._named_by:
                return ()
            case Snapshot():
                described = {info.symbol: _met(info.symbol, evidence.observed_at, info) for info in evidence.symbols}
                named = {name: _met(name, seen_at, None) for name, seen_at in self._names.items()}
                return tuple((named | described).values())


def _met(symbol: str, observed_at: datetime, info: SymbolInfo | None) -> Known:
    pair = split_symbol(symbol)
    known = Known(
        symbol=symbol,
        state=State.TRADABLE,
        base_asset=pair.base if pair else symbol,
        quote_asset=pair.quote if pair else "",
        first_seen_at=observed_at,
    )
    return known if info is None else _updated(known, info, observed_at)


def _updated(known: Known, info: SymbolInfo, observed_at: datetime) -> Known:
    """Return *known* as *info* describes it; what the exchange leaves out stays."""
    opens_at = info.first_open_time or known.opens_at
    state = _state(info, opens_at, observed_at)
    base, quote = info.base_asset or known.base_asset, info.quote_asset or known.quote_asset
    if (state, base, quote, opens_at) == (known.state, known.base_asset, known.quote_asset, known.opens_at):
        return known
    return replace(known, state=state, base_asset=base, quote_asset=quote, opens_at=opens_at)


def _state(info: SymbolInfo, opens_at: datetime | None, observed_at: datetime) -> State:
    if opens_at is not None and opens_at > observed_at:
        return State.LISTED
    return State.TRADABLE if info.is_online else State.SUSPENDED
