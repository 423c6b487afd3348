"""Halt purchases on coins in the account that no position explains, at the start and while the executor runs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal
from typing import Final

import structlog

from executor.halts.halt_causes import HaltCause
from executor.reconciliation.check_prompt import CheckPrompt
from executor.sending.last_balances import BalanceSource
from executor.sending.order_sender import Latch
from shared.errors import TransientError, pause
from shared.events import Mode
from shared.mexc.errors import ClockUncertainError, ExchangeError

log = structlog.get_logger(__name__)

_ROUNDING: Final = Decimal("1.001")
"""The ratio by which a balance may exceed the holdings that positions explain."""
_NAMED_MAX: Final = 10

HeldByAsset = Callable[[], Awaitable[Mapping[str, Decimal | None]]]
"""Returns the holdings of open live positions by asset; None where they are unknown yet."""


class UnexplainedHoldings:
    def __init__(
        self,
        account: BalanceSource,
        held: HeldByAsset,
        others: Collection[str],
        latch: Latch,
        *,
        look_for: Callable[[Collection[str]], Awaitable[None]],
        alarm: Callable[[str, str], None],
    ) -> None:
        self._account = account
        self._held = held
        self._others = others
        self._latch = latch
        self._look_for = look_for
        self._alarm = alarm
        self._known: set[str] = set()
        """Assets that raised an alarm before, and may stay since an operator resumed."""

    async def check(self, until: asyncio.Event, *, confirm_seconds: float) -> None:
        """Halt on new holdings that nothing explains, not even a given-up order.

        They are confirmed by a second look: a balance may lag behind an order that just ended. Return without a halt
        where *until* is set meanwhile.
        """
        found = await self._unexplained()
        if found - self._known:
            await pause(confirm_seconds, until)
            if until.is_set():
                return
            found = await self._unexplained()
        await self.act_on(found)

    async def watch(
        self, every_seconds: float, until: asyncio.Event, *, confirm_seconds: float, prompt: CheckPrompt
    ) -> None:
        """Check repeatedly, and soon after each *prompt*, until *until* is set."""
        while not until.is_set():
            await prompt.pause(every_seconds, until)
            if until.is_set():
                return
            try:
                await self.check(until, confirm_seconds=confirm_seconds)
            except (TransientError, ExchangeError, ClockUncertainError) as error:
                log.info("holdings not compared", reason=str(error))
            except Exception:
                log.exception("holdings not compared")

    async def act_on(self, found: set[str]) -> None:
        """Look up given-up orders that could explain new holdings; halt and alarm where none does."""
        if found - self._known:
            await self._look_for(found)
            found = await self._unexplained()
        if new := found - self._known:
            self._latch(HaltCause.HOLDINGS, Mode.LIVE, _words(new))
        self._known &= found
        self._known |= found
        self._alarm("holdings", _words(found) if found else "")

    async def _unexplained(self) -> set[str]:
        """Return the assets whose balance exceeds the holdings explained before and after it was read."""
        before = await self._held()
        balances = await self._account.balances()
        after = await self._held()
        return {
            asset
            for asset, balance in balances.items()
            if asset not in self._others
            and (explained := _explained(asset, before, after)) is not None
            and balance.free + balance.locked > explained * _ROUNDING
        }


def _explained(asset: str, *held: Mapping[str, Decimal | None]) -> Decimal | None:
    quantities = [each.get(asset, Decimal(0)) for each in held]
    known = [quantity for quantity in quantities if quantity is not None]
    return max(known) if len(known) == len(quantities) else None


def _words(assets: Collection[str]) -> str:
    return f"the account holds what no position explains: {', '.join(sorted(assets)[:_NAMED_MAX])}"
