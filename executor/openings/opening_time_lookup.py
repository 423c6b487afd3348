"""Ask exchangeInfo once, within a short bound, for the opening of a coin that came without one."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.events import Listing
from shared.mexc.errors import ExchangeError
from shared.mexc.symbols import SymbolInfo

log = structlog.get_logger(__name__)


class OpeningQuestion:
    """Delays an order by its bound at most, and no other: without room in the rate limits no request is made."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[SymbolInfo | None]],
        learn: Callable[[SymbolInfo], object],
        *,
        has_room: Callable[[], bool],
        seconds_max: float,
    ) -> None:
        """Hand what *ask* returns of a symbol to *learn*, also where it comes too late for the order."""
        self._ask = ask
        self._learn = learn
        self._has_room = has_room
        self._seconds_max = seconds_max
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, listing: Listing) -> None:
        """Return after the answer, or after the bound. Raises nothing: the order goes on in any case."""
        if not self._has_room():
            log.info("the opening was not asked for: no room in the limits", symbol=listing.symbol)
            return
        asking = asyncio.create_task(self.ask(listing.symbol), name=f"opening-{listing.symbol}")
        self._under_way.add(asking)
        asking.add_done_callback(self._under_way.discard)
        _, unanswered = await asyncio.wait({asking}, timeout=self._seconds_max)
        if unanswered:
            log.info("the opening was not told in time", symbol=listing.symbol)

    async def ask(self, symbol: str) -> None:
        """Ask for *symbol* without a bound, and learn the answer; a failure is logged."""
        try:
            info = await self._ask(symbol)
        except ExchangeError as error:
            log.info("the opening was not told", symbol=symbol, reason=str(error))
        except Exception:
            log.exception("the opening was not told", symbol=symbol)
        else:
            if info is not None:
                self._learn(info)
