"""The way out of a purchase; and that of a rehearsed one, which leads nowhere."""

from collections.abc import Callable
from typing import Protocol

from executor.model import Order


class PurchaseSender(Protocol):
    """The way out of a purchase, ahead of everything else that follows from its decision. No call waits."""

    def prepare(self, order: Order, /) -> None:
        """Make and sign the request of *order* while its commit is under way. Nothing leaves; nothing is raised."""

    def forget(self, order: Order, /) -> None:
        """Drop what was prepared for *order*, whose commit failed or was cut short."""

    def send(self, order: Order, /) -> None:
        """Send *order*, which is committed."""

    def rehearse(self, order: Order, /) -> None:
        """Make and sign the request of *order*, which there is none of, and drop it."""


class NoWayOut:
    """The way out of a rehearsed order: its request is made, and nothing can leave."""

    def __init__(self, make: Callable[[Order], None]) -> None:
        self.prepare = self.rehearse = make

    def forget(self, order: Order, /) -> None:
        """Do nothing: what is made of a rehearsed order is dropped as it is made."""

    def send(self, order: Order, /) -> None:
        """Raise RuntimeError: a rehearsed order cannot have been committed."""
        raise RuntimeError(f"a rehearsed order was committed: {order.client_order_id}")
