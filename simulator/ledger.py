"""What the exchange has received, and its order requests with whatever became of them: the evidence tests look at."""

from collections import Counter, deque
from dataclasses import dataclass

from simulator.orders import Order

_ENTRIES_MAX = 100_000


@dataclass(slots=True)
class Entry:
    received_ns: int
    received_exchange_ns: int  # by the exchange's clock
    is_test: bool
    parameters: dict[str, str]
    order: Order | None = None  # None when no order was placed
    status: int | None = None  # of the answer; None when none was sent
    answer: bytes | None = None


class Ledger:
    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_ENTRIES_MAX)
        self.requests: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
