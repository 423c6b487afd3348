"""The balances as they were last read, to compare a later reading with."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from shared.mexc.orders.order_reports import Balance

PROOF_SECONDS: Final = 2.0
"""An older balance proves nothing about a sale: people move coins, too."""


class BalanceSource(Protocol):
    def balances(self) -> Awaitable[Mapping[str, Balance]]:
        """Return the account's balances by asset; raise ExchangeError or ClockUncertainError."""


class LastBalances:
    """The account's balances, remembered. A sale mostly reads them first."""

    def __init__(self, account: BalanceSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._last: Mapping[str, Balance] = {}
        self._read_at = float("-inf")

    async def balances(self) -> Mapping[str, Balance]:
        """Read the account's balances, by asset; raise ExchangeError or ClockUncertainError."""
        asked_at = self._clock()
        self._last = await self._account.balances()
        self._read_at = asked_at
        return self._last

    def last(self, asset: str) -> Balance | None:
        """Return the balance of *asset* at the last reading; None where there was none of it, or none lately."""
        return self._last.get(asset) if self._clock() - self._read_at <= PROOF_SECONDS else None
