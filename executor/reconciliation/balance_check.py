"""Balance check: compare the account with the live positions, whose coins may be sold or moved outside."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import structlog

from executor.decisions.consecutive_looks import Streaks
from executor.journal.held_positions import mark, read_held
from executor.model import Position, PositionState, WatchedPosition, is_named_apart
from executor.pricing import is_worth_selling
from executor.reconciliation.check_prompt import CheckPrompt
from executor.sending.last_balances import BalanceSource
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ClockUncertainError, ExchangeError
from shared.mexc.orders.order_reports import Balance
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

COMPARISONS: Final = 3
_TOLERANCE: Final = Decimal("0.99")
"""The least share of a position in the account: fees and rounding explain less."""
_MISSING: Final = "missing"
_COMPARED: Final = frozenset({PositionState.OPEN, PositionState.EXTERNAL})


class BalanceCheck:
    def __init__(self, database: Database, account: BalanceSource, settings: ExecutorSettings) -> None:
        self._database = database
        self._account = account
        self._settings = settings
        self.prompt = CheckPrompt()
        self._streaks = Streaks(0.0)

    async def run(self, until: asyncio.Event) -> None:
        """Compare repeatedly, until *until* is set."""
        while not until.is_set():
            await self.prompt.pause(self._settings.custody_check_seconds, until)
            if until.is_set():
                return
            try:
                await self.compare()
            except (TransientError, ExchangeError, ClockUncertainError) as error:
                log.info("holdings were not compared", reason=str(error))
            except Exception:
                # An error of one comparison must not end the loop.
                log.exception("holdings were not compared")

    async def compare(self) -> None:
        """Read the positions and the balances once, and mark positions that have long been missing, or are back."""
        live = [each for each in (await read_held(self._database)).held if each.position.mode is Mode.LIVE]
        self._streaks.forget_all_but({each.name for each in live})
        if not live:
            return
        balances = await self._account.balances()
        if not balances:
            return  # An account with positions is never empty: that is no answer.
        for position, there in allotted(live, balances):
            with of_listing(position.listing):
                try:
                    await self.compare_position(position, there)
                except TransientError:
                    raise
                except Exception:
                    # An error of one position must not stop the others.
                    log.exception("a holding was not compared", position=position.name)

    async def compare_position(self, position: Position, there: Decimal) -> None:
        """Mark *position* where its balance, *there*, is missing for long, or is back."""
        if there >= position.base_qty * _TOLERANCE:
            self._streaks.reset(position.name, _MISSING)
            if position.note:
                await self._mark(position, PositionState.OPEN, "")
            return
        now = asyncio.get_running_loop().time()
        streak = self._streaks.seen(position.name, _MISSING, now)
        if not streak.is_confirmed(COMPARISONS, self._settings.missing_seconds):
            return
        # The rest stays watched where it can be sold.
        is_watched = is_worth_selling(there, position.average_price, position.listing.rules)
        state = PositionState.OPEN if is_watched else PositionState.EXTERNAL
        note = f"the account holds {there:f} of {position.base_qty:f} {position.listing.base_asset}"
        if (state, note) != (position.state, position.note):
            await self._mark(position, state, note)

    async def _mark(self, position: Position, state: PositionState, note: str) -> None:
        if await mark(self._database, position, state, note):
            log.warning(
                "holdings differ from a position" if note else "holdings agree with a position again",
                position=position.name,
                state=state,
                note=note,
            )


def allotted(live: Sequence[WatchedPosition], balances: Mapping[str, Balance]) -> Iterator[tuple[Position, Decimal]]:
    """Yield each position that can be compared, with its balance; of one coin the oldest comes first.

    A coin cannot be compared while a sale of it is under way, nor where the account may name it otherwise.
    """
    selling = {each.position.listing.base_asset for each in live if each.position.state is PositionState.CLOSING}
    left = {asset: balance.free + balance.locked for asset, balance in balances.items()}
    for each in live:
        position = each.position
        asset = position.listing.base_asset
        if asset not in balances and is_named_apart(position.listing):
            continue  # The account has it under another name.
        there = min(position.base_qty, left.get(asset, Decimal(0)))
        left[asset] = left.get(asset, Decimal(0)) - there
        if position.state in _COMPARED and asset not in selling:
            yield position, there
