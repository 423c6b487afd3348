"""Who carries out what the journal commits."""

from typing import Final, Protocol

from executor.model.order import Order


class Dispatch(Protocol):
    """Who carries out a purchase, ahead of everything else that follows from the decision."""

    def prepare(self, order: Order, /) -> None:
        """Make ready what is sent if *order* is committed. Nothing leaves, and nothing is raised."""

    def send(self, order: Order, /) -> None:
        """Send *order*, which is committed, without waiting for it."""


class _Nobody:
    """Leaves it to the caller."""

    def prepare(self, order: Order, /) -> None: ...

    def send(self, order: Order, /) -> None: ...


NOBODY: Final = _Nobody()
