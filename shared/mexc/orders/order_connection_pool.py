"""Several warm connections side by side, so that an order whose answer is slow does not hold up the next."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from shared.mexc.http.connection import Endpoint
from shared.mexc.orders.order_api import SignedOrder
from shared.mexc.orders.order_connection import LineLimits, OrderLine
from shared.mexc.orders.order_transport import Answer, MayWrite, always

LINES: Final = 3
EXIT_LINES: Final = 6
"""Of their own, so that a sale never waits behind purchases whose answers are slow, and hardly behind other sales."""
SALES_AT_ONCE: Final = EXIT_LINES - 1
"""The last one is for tests of sales."""


class OrderLines:
    """An `OrderTransport`: each request goes out once, on the line with the fewest before it."""

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        self._lines = lines

    @property
    def is_ready(self) -> bool:
        """Whether an order could go out at once, or after the one that is going out. May be asked from a thread."""
        return any(line.is_ready for line in self._lines)

    def post(self, signed: SignedOrder, /, *, may_write: MayWrite = always) -> Awaitable[Answer]:
        """See OrderLine."""
        for line in self._lines:  # Mostly the first is at rest, and an order waits for this.
            if not line.callers and line.is_ready:
                return line.post(signed, may_write=may_write)
        best = min(self._lines, key=lambda line: (line.callers, not line.is_ready))
        return best.post(signed, may_write=may_write)


@asynccontextmanager
async def open_lines(endpoint: Endpoint, limits: LineLimits, *, count: int = LINES) -> AsyncIterator[OrderLines]:
    """Keep *count* lines warm during the block."""
    async with AsyncExitStack() as stack:
        yield OrderLines([await stack.enter_async_context(OrderLine(endpoint, limits)) for _ in range(count)])
