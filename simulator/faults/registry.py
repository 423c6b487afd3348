"""All kinds of faults, and those that are armed. A new REST fault needs a row in its table and nothing more."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from simulator.faults import answers, market, orders, streams
from simulator.faults.kind import HOLD, FaultKind
from simulator.faults.response_faults import FaultOptions
from simulator.reply import Reply

KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {kind.name: kind for kind in (*answers.ROWS, *market.ROWS, *orders.ROWS, *streams.ROWS)}
)


@dataclass(frozen=True, slots=True)
class FaultTarget:
    """Symbol and side of a request, for faults that select by them; None where the request has none."""

    symbol: str | None = None
    side: str | None = None


ANY_TARGET = FaultTarget()


@dataclass(slots=True)
class ArmedFault:
    kind: FaultKind
    endpoint: str
    remaining: int | None
    options: FaultOptions = field(default_factory=FaultOptions)
    to_skip: int = 0  # requests that it lets pass first
    taken: int = 0
    disarmed: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, endpoint: str, subject: FaultTarget = ANY_TARGET) -> bool:
        """Return whether the fault selects the request; one without a symbol concerns every symbol."""
        return (
            any(fnmatchcase(endpoint, pattern.strip()) for pattern in self.endpoint.split(","))
            and (None in {self.options.symbol, subject.symbol} or self.options.symbol == subject.symbol)
            and self.options.side in {None, subject.side}
        )

    def skips(self) -> bool:
        """Count a matching request, and return whether it passes unharmed."""
        self.to_skip -= 1
        return self.to_skip >= 0

    def transform(self, reply: Reply) -> Reply:
        return self.kind.transform(self.options, reply) if self.kind.transform else reply


class FaultRegistry:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[ArmedFault] = []
        self._holding: list[ArmedFault] = []  # still hold requests, even if used up

    def arm(self, fault: ArmedFault) -> None:
        self._armed.append(fault)

    def armed(self) -> list[ArmedFault]:
        return list(self._armed)

    def disarm(self, name: str | None = None) -> None:
        """Disarm the faults of that name, or all, and release the requests they hold."""
        for fault in [*self._armed, *self._holding]:
            if name in {None, fault.kind.name}:
                fault.disarmed.set()
        self._armed = [each for each in self._armed if not each.disarmed.is_set()]
        self._holding = [each for each in self._holding if not each.disarmed.is_set()]

    def active(self, name: str) -> FaultOptions | None:
        """Return the fault's options while it is armed, without using it up."""
        return next((each.options for each in self._armed if each.kind.name == name), None)

    def take(self, name: str, endpoint: str, subject: FaultTarget = ANY_TARGET) -> FaultOptions | None:
        """Use the fault once and return its options, if it is armed for *endpoint*."""
        for fault in self._armed:
            if fault.kind.name == name and fault.matches(endpoint, subject) and not fault.skips():
                self._use(fault)
                return fault.options
        return None

    def take_replies(self, endpoint: str, subject: FaultTarget = ANY_TARGET) -> list[ArmedFault]:
        """Use once, and return, each fault of the REST answer of *endpoint*."""
        matching = [each for each in self._armed if each.kind.transform and each.matches(endpoint, subject)]
        taken = [each for each in matching if not each.skips()]
        for fault in taken:
            self._use(fault)
        return taken

    def _use(self, fault: ArmedFault) -> None:
        fault.taken += 1
        if fault.kind.name == HOLD and fault not in self._holding:
            self._holding.append(fault)
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                self._armed.remove(fault)
