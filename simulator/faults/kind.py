"""The row of a fault: its name, the endpoint it concerns, and its effect on an answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from simulator.faults.response_faults import Options
from simulator.reply import Reply

HOLD: Final = "hold"
ORDER: Final = "POST /api/v3/order"
EXCHANGE_INFO: Final = "GET /api/v3/exchangeInfo"
BOOK: Final = "GET /api/v3/depth, GET /api/v3/ticker/bookTicker"
WEBSOCKET: Final = "WS /ws"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: the effect of a fault, its endpoint and its count unless others are given."""

    name: str
    summary: str
    endpoint: str = ORDER  # several are separated by commas
    count: int | None = 1  # None: until it is deleted
    options: tuple[str, ...] = ()
    defaults: Options = field(default_factory=Options)
    transform: Callable[[Options, Reply], Reply] | None = None
    accepts: Callable[[Options], bool] = lambda _: True


def never(_: Options) -> bool:
    return False


def if_accepted(options: Options) -> bool:
    return options.accept
