"""Exposure of the account after each fill: the evidence that exposure limits hold at any instant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulator.market.book import Side
from simulator.market.orders import Fill, Order


@dataclass(frozen=True, slots=True)
class Deal:
    """A fill and the order it belongs to."""

    order: Order
    fill: Fill

    @property
    def coins(self) -> Decimal:
        """The quantity, less a fee paid in the coin."""
        commission = self.fill.commission
        paid_in_coins = self.order.request.side is Side.BUY and commission.asset == self.order.base
        return self.fill.quantity - (commission.amount if paid_in_coins else 0)

    @property
    def spent(self) -> Decimal:
        """The value, plus a fee not paid in the coin."""
        return self.fill.value + (self.fill.commission.value if self.coins == self.fill.quantity else 0)


@dataclass(frozen=True, slots=True)
class Removal:
    """Coins that left the account without an order, as a manual sale elsewhere would."""

    asset: str
    coins: Decimal


@dataclass(frozen=True, slots=True)
class _Holding:
    coins: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def after(self, deal: Deal) -> "_Holding":
        """Return the holding after *deal*. Sold coins leave at the average cost; funded coins cost nothing."""
        if deal.order.request.side is Side.BUY:
            return _Holding(self.coins + deal.coins, self.cost + deal.spent)
        return self.without(deal.coins)

    def without(self, coins: Decimal) -> "_Holding":
        left = max(Decimal(0), self.coins - coins)
        return _Holding(left, self.cost * left / self.coins if self.coins else Decimal(0))


def exposures(deals: Iterable[Deal | Removal]) -> Iterator[tuple[Deal | Removal, Decimal]]:
    """Yield each deal or removal with the cost of all coins held after it."""
    holdings: dict[tuple[str, str], _Holding] = {}
    exposure = Decimal(0)
    for deal in deals:
        if isinstance(deal, Deal):
            changed = [(deal.order.request.symbol, deal.order.base)]
        else:
            changed = [(symbol, asset) for symbol, asset in holdings if asset == deal.asset]
        for key in changed:
            before = holdings.get(key, _Holding())
            holdings[key] = before.after(deal) if isinstance(deal, Deal) else before.without(deal.coins)
            exposure += holdings[key].cost - before.cost
        yield deal, exposure
