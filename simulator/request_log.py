"""Log of received requests, and of order requests with their outcomes: the evidence tests read."""

from collections import Counter, deque
from dataclasses import dataclass

from simulator.market.orders import Order

_ENTRIES_MAX = 100_000


@dataclass(slots=True)
class OrderEntry:
    """An order request and its outcome."""

    received_ns: int
    received_exchange_ns: int  # by the exchange's clock
    is_test: bool
    parameters: dict[str, str]
    order: Order | None = None  # None when no order was placed
    status: int | None = None  # of the answer; None when none was sent
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as counted by the rate limits."""

    received_ns: int
    caller: str
    endpoint: str
    weight: int
    refused_with: int | None  # 429 or 418; None: it went through


class RequestLog:
    def __init__(self) -> None:
        self.traffic: deque[LoggedRequest] = deque(maxlen=_ENTRIES_MAX)
        self.entries: deque[OrderEntry] = deque(maxlen=_ENTRIES_MAX)
        self.requests: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def repeated(self) -> dict[tuple[str, str], int]:
        """Return how often each repeated pair of symbol and client id was received in order requests."""
        received = Counter(
            (each.parameters.get("symbol", ""), each.parameters["newClientOrderId"])
            for each in self.entries
            if not each.is_test and "newClientOrderId" in each.parameters
        )
        return {key: count for key, count in received.items() if count > 1}
