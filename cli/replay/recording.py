"""A recording: sightings in their order, and the decision on each listing at the time."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from shared.errors import PermanentError, SettingsError, SniperError
from shared.events import Event, RawListing, Side, Trade, TradeStatus
from shared.wire import cloudevents

GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Return whether *at* lies in it: from *since* on, and before *until*."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Recording:
    raws: Sequence[RawListing]
    """In the order in which they were published, each once."""
    then: Mapping[str, str]
    """The decision on a listing, by its key, in the words of `decision_of`."""


def recording_of(bodies: Iterable[bytes], span: Span) -> Recording:
    """Return the recording in *bodies* within *span*; unknown events are skipped."""
    events: list[Event] = []
    for body in bodies:
        with suppress(PermanentError):
            events.append(cloudevents.decode(body))
    raws = {each.id: each for each in events if isinstance(each, RawListing) and span.holds(each.published_at)}
    trades = sorted(
        (each for each in events if isinstance(each, Trade) and each.side is Side.BUY),
        key=lambda each: (each.created_at, each.id),
    )
    then: dict[str, str] = {}
    for trade in trades:
        then.setdefault(trade.listing_key, decision_of(trade))
    return Recording(sorted(raws.values(), key=lambda each: (each.published_at, each.id)), then)


def decision_of(trade: Trade) -> str:
    """Return the decision reported by the first trade event of an order."""
    if trade.status is TradeStatus.REJECTED:
        return f"refused: {trade.error_reason or 'for no reason that was told'}"
    reserved = trade.quote_qty if trade.reserved_qty is None else trade.reserved_qty
    return "wait for the opening" if not reserved else f"buy for {reserved:f}"


def read(path: Path) -> Sequence[bytes]:
    """Return the events in a file, one a line, compressed or not; raises SettingsError if it is unreadable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = gzip.decompress(content) if content.startswith(GZIP) else content
    except (OSError, EOFError):
        raise SettingsError(f"{path} cannot be unpacked") from None
    return [line for line in text.split(b"\n") if line.strip()]


def save(path: Path, bodies: Iterable[bytes]) -> None:
    """Write events to a file, one a line, compressed if its name ends in .gz."""
    content = b"".join(body.replace(b"\n", b" ") + b"\n" for body in bodies)
    try:
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    except OSError as error:
        raise SniperError(f"{path} cannot be written: {error.strerror}") from None
