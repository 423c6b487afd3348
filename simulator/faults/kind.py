"""Kind of a fault: its name, the endpoint it concerns, and its effect on an answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from simulator.faults.response_faults import FaultOptions
from simulator.reply import Reply

HOLD: Final = "hold"
ORDER: Final = "POST /api/v3/order"
EXCHANGE_INFO: Final = "GET /api/v3/exchangeInfo"
BOOK: Final = "GET /api/v3/depth, GET /api/v3/ticker/bookTicker"
WEBSOCKET: Final = "WS /ws"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """The effect of a fault, with its default endpoint, count and options."""

    name: str
    summary: str
    endpoint: str = ORDER  # several are separated by commas
    count: int | None = 1  # None: until it is deleted
    options: tuple[str, ...] = ()
    defaults: FaultOptions = field(default_factory=FaultOptions)
    transform: Callable[[FaultOptions, Reply], Reply] | None = None
    accepts: Callable[[FaultOptions], bool] = lambda _: True


def never(_: FaultOptions) -> bool:
    return False


def if_accepted(options: FaultOptions) -> bool:
    return options.accept
