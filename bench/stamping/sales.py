"""The moment at which the push arrived that a sale follows from."""

import time
from typing import Final

from bench.stamping.moments import before, report_soon
from executor.market_streams.stream_quotes import StreamQuotes
from executor.model import Order
from executor.sending.order_sender import OrderSender
from shared.events import Side

PUSHED: Final = "pushed"


class Pushes:
    """The latest push, and the sales that follow."""

    def __init__(self) -> None:
        self._latest_ns = 0

    def arrived(self, *_: object) -> None:
        """Note that a push arrived."""
        self._latest_ns = time.monotonic_ns()

    def sold(self, _: object, order: Order) -> None:
        """Report the latest push where *order* sells."""
        if order.side is Side.SELL:
            report_soon(order.symbol, {PUSHED: self._latest_ns})


def stamp_sales() -> None:
    """Have the push that each sale follows from reported."""
    pushes = Pushes()
    before(StreamQuotes, "take", pushes.arrived)
    before(OrderSender, "made_ahead", pushes.sold)
