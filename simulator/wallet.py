"""The account's money: free and locked balances per asset, and what has been bought and is still on its way."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.refusals import INSUFFICIENT_POSITION, RefusedError


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal = Decimal(0)
    locked: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Arrival:
    asset: str
    amount: Decimal
    due_ms: int


class Wallet:
    def __init__(self, funds: dict[str, Decimal]) -> None:
        self._balances = {asset: Balance(amount) for asset, amount in funds.items()}
        self._arrivals: list[Arrival] = []

    def balances(self) -> dict[str, Balance]:
        """Every asset the account has anything of."""
        return {asset: balance for asset, balance in self._balances.items() if balance.free or balance.locked}

    def free(self, asset: str) -> Decimal:
        return self._of(asset).free

    def arriving(self, asset: str) -> Decimal:
        """What has been bought and cannot be sold yet."""
        return sum((each.amount for each in self._arrivals if each.asset == asset), Decimal(0))

    def fund(self, asset: str, amount: Decimal) -> None:
        """Set the free balance."""
        self._balances[asset] = Balance(amount, self._of(asset).locked)

    def move(self, asset: str, amount: Decimal) -> None:
        """Credit (or, negative, debit) the free balance."""
        balance = self._of(asset)
        self._balances[asset] = Balance(balance.free + amount, balance.locked)

    def expect(self, arrival: Arrival) -> None:
        """Credit the free balance when it is due."""
        self._arrivals.append(arrival)

    def advance(self, now_ms: int) -> None:
        """Let what is due arrive."""
        for arrival in [each for each in self._arrivals if each.due_ms <= now_ms]:
            self._arrivals.remove(arrival)
            self.move(arrival.asset, arrival.amount)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Set aside for a resting order; refused beyond the free balance."""
        balance = self._of(asset)
        if amount > balance.free:
            raise RefusedError(INSUFFICIENT_POSITION)
        self._balances[asset] = Balance(balance.free - amount, balance.locked + amount)

    def unlock(self, asset: str, amount: Decimal) -> None:
        balance = self._of(asset)
        self._balances[asset] = Balance(balance.free + amount, balance.locked - amount)

    def _of(self, asset: str) -> Balance:
        return self._balances.get(asset, Balance())
