"""Balances of the account: free and locked per asset, and bought coins that have not arrived."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from simulator.dirty_rows import Changes, RowKind
from simulator.market.account_events import AccountEvents, BalanceCause, BalanceEvent
from simulator.market.error_responses import INSUFFICIENT_POSITION, RefusedError


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
    def __init__(self, funds: Mapping[str, Decimal], changes: Changes | None = None) -> None:
        self._changes = changes or Changes()
        self.events = AccountEvents()
        self._balances: dict[str, Balance] = {}
        self._arrivals: list[Arrival] = []
        self._frozen: tuple[int, dict[str, Balance]] = (0, {})
        for asset, amount in funds.items():
            self.fund(asset, amount)

    def resume(self, balances: Mapping[str, Balance], arrivals: Iterable[Arrival]) -> None:
        """Replace all balances and arrivals with those of an earlier run."""
        self._balances, self._arrivals = dict(balances), list(arrivals)

    def show(self, balances: dict[str, Balance], until_ms: int) -> None:
        """Show these balances until then, regardless of the actual ones."""
        self._frozen = (until_ms, balances)

    def shown(self, now_ms: int) -> dict[str, Balance]:
        """Return the balances as the account endpoint shows them."""
        until_ms, frozen = self._frozen
        return frozen if now_ms < until_ms else self.balances()

    def balances(self) -> dict[str, Balance]:
        """Return the non-zero balances."""
        return {asset: balance for asset, balance in self._balances.items() if balance.free or balance.locked}

    def free(self, asset: str) -> Decimal:
        return self._of(asset).free

    def arriving(self, asset: str) -> Decimal:
        """Return the amount bought that cannot be sold yet."""
        return sum((each.amount for each in self._arrivals if each.asset == asset), Decimal(0))

    def arrivals(self) -> list[Arrival]:
        return list(self._arrivals)

    def fund(self, asset: str, amount: Decimal) -> None:
        """Set the free balance."""
        self._set(asset, Balance(amount, self._of(asset).locked), BalanceCause.FUNDED)

    def move(self, asset: str, amount: Decimal, cause: BalanceCause = BalanceCause.TRADED) -> None:
        """Credit (or, negative, debit) the free balance."""
        balance = self._of(asset)
        self._set(asset, Balance(balance.free + amount, balance.locked), cause)

    def expect(self, arrival: Arrival) -> None:
        """Credit the free balance when it is due."""
        self._arrivals.append(arrival)
        self._changes.note(RowKind.ARRIVALS)

    def advance(self, now_ms: int) -> None:
        """Credit the arrivals due by *now_ms*."""
        for arrival in [each for each in self._arrivals if each.due_ms <= now_ms]:
            self._arrivals.remove(arrival)
            self._changes.note(RowKind.ARRIVALS)
            self.move(arrival.asset, arrival.amount)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Lock for a resting order; refused beyond the free balance."""
        balance = self._of(asset)
        if amount > balance.free:
            raise RefusedError(INSUFFICIENT_POSITION)
        self._set(asset, Balance(balance.free - amount, balance.locked + amount), BalanceCause.PLACED)

    def unlock(self, asset: str, amount: Decimal) -> None:
        balance = self._of(asset)
        self._set(asset, Balance(balance.free + amount, balance.locked - amount), BalanceCause.CANCELLED)

    def _set(self, asset: str, balance: Balance, cause: BalanceCause) -> None:
        before = self._of(asset)
        self._balances[asset] = balance
        self._changes.note(RowKind.BALANCE, asset)
        change = balance.free - before.free, balance.locked - before.locked
        if any(change):
            self.events.note(BalanceEvent(asset, balance.free, change[0], balance.locked, change[1], cause))

    def _of(self, asset: str) -> Balance:
        return self._balances.get(asset, Balance())
