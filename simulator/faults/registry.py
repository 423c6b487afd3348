"""The faults the exchange can have, and those that are armed. Adding one is adding a row, and for REST nothing more."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from simulator.faults import answers, market, orders, streams
from simulator.faults.kind import HOLD, Kind
from simulator.faults.response_faults import Options
from simulator.reply import Reply

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (*answers.ROWS, *market.ROWS, *orders.ROWS, *streams.ROWS)}
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The part of a request that faults are aimed by; None where the request does not say."""

    symbol: str | None = None
    side: str | None = None


ANY = Subject()


@dataclass(slots=True)
class Armed:
    kind: Kind
    endpoint: str
    remaining: int | None
    options: Options = field(default_factory=Options)
    spared: int = 0  # requests that it lets pass first
    taken: int = 0
    disarmed: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, endpoint: str, subject: Subject = ANY) -> bool:
        """A request that names no symbol concerns every symbol."""
        return (
            any(fnmatchcase(endpoint, pattern.strip()) for pattern in self.endpoint.split(","))
            and (None in {self.options.symbol, subject.symbol} or self.options.symbol == subject.symbol)
            and self.options.side in {None, subject.side}
        )

    def spares(self) -> bool:
        """Whether a request that it matches passes unharmed, which counts it."""
        self.spared -= 1
        return self.spared >= 0

    def transform(self, reply: Reply) -> Reply:
        return self.kind.transform(self.options, reply) if self.kind.transform else reply


class Faults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._holding: list[Armed] = []  # used up as they may be

    def arm(self, fault: Armed) -> None:
        self._armed.append(fault)

    def armed(self) -> list[Armed]:
        return list(self._armed)

    def disarm(self, name: str | None = None) -> None:
        """End the faults of that name, or all, and let go what they hold."""
        for fault in [*self._armed, *self._holding]:
            if name in {None, fault.kind.name}:
                fault.disarmed.set()
        self._armed = [each for each in self._armed if not each.disarmed.is_set()]
        self._holding = [each for each in self._holding if not each.disarmed.is_set()]

    def active(self, name: str) -> Options | None:
        """The fault's options while it is armed, without using it up."""
        return next((each.options for each in self._armed if each.kind.name == name), None)

    def take(self, name: str, endpoint: str, subject: Subject = ANY) -> Options | None:
        """The fault's options when it is armed for *endpoint*, using it up once."""
        for fault in self._armed:
            if fault.kind.name == name and fault.matches(endpoint, subject) and not fault.spares():
                self._use(fault)
                return fault.options
        return None

    def take_replies(self, endpoint: str, subject: Subject = ANY) -> list[Armed]:
        """The faults of the REST answer of *endpoint*, using each up once."""
        matching = [each for each in self._armed if each.kind.transform and each.matches(endpoint, subject)]
        taken = [each for each in matching if not each.spares()]
        for fault in taken:
            self._use(fault)
        return taken

    def _use(self, fault: Armed) -> None:
        fault.taken += 1
        if fault.kind.name == HOLD and fault not in self._holding:
            self._holding.append(fault)
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                self._armed.remove(fault)
