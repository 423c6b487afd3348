"""Decision on a listing, as it is handed on: what came of it, its order, and why there is none. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from executor.model.order import Order
from executor.model.reasons import Refusal


class Outcome(StrEnum):
    """The result of a decision; also a label of metrics."""

    BUY = "buy"
    ARMED = "armed"
    DENIED = "refused"
    REPEATED = "repeated"
    """Decided before, or by another executor."""
    SWITCHED = "switched"
    """The order of the other mode stands already."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The entry of the journal for a listing, made now or by an earlier delivery."""

    outcome: Outcome
    order: Order | None = None
    """Bought or armed; None where there is nothing to do, or another executor does it."""
    why: Refusal | None = None

    @property
    def reason(self) -> str:
        """The refusal as the journal keeps it; empty where there is none."""
        return "" if self.why is None else str(self.why)
