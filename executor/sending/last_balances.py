"""The balances as they were last read, to compare a later reading with."""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from shared.mexc.orders.order_reports import Balance


class BalanceSource(Protocol):
    def balances(self) -> Awaitable[Mapping[str, Balance]]:
        """Return the account's balances by asset; raise ExchangeError or ClockUncertainError."""


class LastBalances:
    """The account's balances, remembered. A sale reads them first."""

    def __init__(self, account: BalanceSource) -> None:
        self._account = account
        self._last: Mapping[str, Balance] = {}

    async def balances(self) -> Mapping[str, Balance]:
        """Read the account's balances, by asset; raise ExchangeError or ClockUncertainError."""
        self._last = await self._account.balances()
        return self._last

    def last(self, asset: str) -> Balance | None:
        """Return the balance of *asset* at the last reading; None where there was none of it."""
        return self._last.get(asset)
