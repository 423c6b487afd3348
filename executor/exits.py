"""The supervisor of positions: looks at each every second or two, and has those sold that are due.

MEXC has no stop orders, so a position is only as safe as this is alive: it has a health of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from executor.exit_rules import Seen, exit_due
from executor.order import ExitReason
from executor.patience import Patience
from executor.position import Position, PositionState
from executor.positions import Held, held, raise_peak
from executor.selling import Selling
from executor.settings import ExitSettings
from executor.views import Bids, Markets
from executor.vigil import Vigil
from shared.backoff import pause
from shared.database import Database
from shared.errors import TransientError
from shared.mexc.errors import ExchangeError, RateLimited

log = structlog.get_logger(__name__)

Due = tuple[Position, ExitReason]


class Halts(Protocol):
    def exits_halted(self) -> str:
        """Say why nothing may be sold now; empty where it may."""


class Exits:
    def __init__(
        self,
        database: Database,
        markets: Markets,
        selling: Selling,
        halts: Halts,
        settings: ExitSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._markets = markets
        self._selling = selling
        self._halts = halts
        self._settings = settings
        self._now = now
        self._patience = Patience(settings.exit_check_seconds)
        self._in_hand: set[str] = set()

    async def run(self, vigil: Vigil, until: asyncio.Event) -> None:
        """Look at every position again and again, until *until* is set; sales that began by then are finished."""
        async with asyncio.TaskGroup() as sales:
            while not until.is_set():
                wait_seconds = self._settings.exit_check_seconds
                try:
                    await self._look(vigil, sales)
                except RateLimited as error:
                    vigil.failed(str(error))
                    wait_seconds = max(wait_seconds, error.retry_after_seconds or 0)
                except (TransientError, ExchangeError) as error:
                    vigil.failed(str(error))
                except Exception as error:
                    # Whatever is wrong with one look, there must be another.
                    log.exception("positions were not looked at")
                    vigil.failed(type(error).__name__)
                await pause(wait_seconds, until)
        vigil.end()

    async def _look(self, vigil: Vigil, sales: asyncio.TaskGroup) -> None:
        """Look at every position once, and begin to sell those that are due."""
        if (banned_seconds := self._selling.banned_seconds()) > 0:
            raise RateLimited(banned_seconds, banned=True)
        everything = await held(self._database)
        ours = [each for each in everything if self._is_ours(each.position)]
        bids = await self._markets.best_bids({each.position.symbol for each in ours}) if ours else {}
        due = [(each.position, reason) for each in ours if (reason := await self._due(each, bids)) is not None]
        self._patience.forget_all_but(self._in_hand | {_name(position) for position, _ in due})
        halted = self._halts.exits_halted() if due else ""
        if not halted:
            self._begin([each for each in due if bids.get(each[0].symbol) is not None], sales)
        names = {_name(each.position) for each in everything}
        watched = {_name(each.position) for each in ours if each.position.symbol in bids}
        vigil.looked(watched, names - watched, f"sales are halted: {halted}" if halted else "")

    def _is_ours(self, position: Position) -> bool:
        """Tell whether it can be sold from here, and no sale of it is under way."""
        is_open = position.state is PositionState.OPEN and _name(position) not in self._in_hand
        return is_open and position.mode in self._selling.modes

    async def _due(self, each: Held, bids: Bids) -> ExitReason | None:
        position, bid = each.position, bids.get(each.position.symbol)
        if bid is not None and bid > position.peak_price:
            await raise_peak(self._database, position, bid)
        return exit_due(position, Seen(bid, each.close_requested, self._now()), self._settings)

    def _begin(self, due: Sequence[Due], sales: asyncio.TaskGroup) -> None:
        """Sell each in a task of its own: one that takes long must not hold up another's stop loss."""
        now = asyncio.get_running_loop().time()
        for position, reason in due:
            name = _name(position)
            if self._patience.is_over(name, position.base_qty, now):
                self._patience.tried(name, position.base_qty, now)
                self._in_hand.add(name)
                sales.create_task(self._sell(position, reason), name=f"sale-{position.symbol}")

    async def _sell(self, position: Position, reason: ExitReason) -> None:
        try:
            await self._selling.sell(position, reason)
        except (TransientError, ExchangeError) as error:
            log.warning("a position was not sold", symbol=position.symbol, exit=reason, reason=str(error))
        except Exception:
            # One position that cannot be sold must not keep the others from it.
            log.exception("a position was not sold", symbol=position.symbol, exit=reason)
        finally:
            self._in_hand.discard(_name(position))


def _name(position: Position) -> str:
    return f"{position.listing.key} {position.mode}"
