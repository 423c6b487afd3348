"""Ask exchangeInfo once, and for a moment, about a coin of which nothing told when it opened."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.events import Listing
from shared.mexc.errors import ExchangeError
from shared.mexc.symbols import SymbolInfo

log = structlog.get_logger(__name__)


class OpeningQuestion:
    """Costs an order no more than its bound, and others nothing: without room in the limits nothing is asked."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[SymbolInfo | None]],
        learn: Callable[[SymbolInfo], object],
        *,
        has_room: Callable[[], bool],
        seconds_max: float,
    ) -> None:
        """What *ask* returns of a symbol is handed to *learn*, also where it comes too late for who asked."""
        self._ask = ask
        self._learn = learn
        self._has_room = has_room
        self._seconds_max = seconds_max
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, listing: Listing) -> None:
        """Return once the answer is there, or the bound is over. Raises nothing: the order goes on in any case."""
        if not self._has_room():
            log.info("the opening was not asked for: no room in the limits", symbol=listing.symbol)
            return
        asking = asyncio.create_task(self._asked(listing.symbol), name=f"opening-{listing.symbol}")
        self._under_way.add(asking)
        asking.add_done_callback(self._under_way.discard)
        _, unanswered = await asyncio.wait({asking}, timeout=self._seconds_max)
        if unanswered:
            log.info("the opening was not told in time", symbol=listing.symbol)

    async def _asked(self, symbol: str) -> None:
        try:
            info = await self._ask(symbol)
        except ExchangeError as error:
            log.info("the opening was not told", symbol=symbol, reason=str(error))
        except Exception:
            log.exception("the opening was not told", symbol=symbol)
        else:
            if info is not None:
                self._learn(info)
