"""How much of the account's money was in coins after each fill: the evidence for limits that hold at any instant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulator.book import Side
from simulator.orders import Fill, Order


@dataclass(frozen=True, slots=True)
class Deal:
    """A fill and the order it belongs to."""

    order: Order
    fill: Fill

    @property
    def coins(self) -> Decimal:
        """Bought or sold, less a fee that was paid in them."""
        commission = self.fill.commission
        paid_in_coins = self.order.request.side is Side.BUY and commission.asset == self.order.base
        return self.fill.quantity - (commission.amount if paid_in_coins else 0)

    @property
    def spent(self) -> Decimal:
        """The value with the fee, unless that was paid in the very coins."""
        return self.fill.value + (self.fill.commission.value if self.coins == self.fill.quantity else 0)


@dataclass(frozen=True, slots=True)
class _Holding:
    coins: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def after(self, deal: Deal) -> "_Holding":
        """Sold coins leave at the average cost of those held; coins that nobody bought have none."""
        if deal.order.request.side is Side.BUY:
            return _Holding(self.coins + deal.coins, self.cost + deal.spent)
        left = max(Decimal(0), self.coins - deal.coins)
        return _Holding(left, self.cost * left / self.coins if self.coins else Decimal(0))


def exposures(deals: Iterable[Deal]) -> Iterator[tuple[Deal, Decimal]]:
    """Each deal, and what all coins held after it have cost."""
    holdings: dict[str, _Holding] = {}
    exposure = Decimal(0)
    for deal in deals:
        symbol = deal.order.request.symbol
        before = holdings.get(symbol, _Holding())
        holdings[symbol] = before.after(deal)
        exposure += holdings[symbol].cost - before.cost
        yield deal, exposure
