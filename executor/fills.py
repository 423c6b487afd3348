"""What an order got."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext

from executor.limits import CAREFUL, CENT


@dataclass(frozen=True, slots=True)
class Fill:
    """All that was executed of one order. The exchange says in which asset it took its fee; never assume."""

    base_qty: Decimal
    """Executed, before any fee."""
    cost: Decimal
    """In the quote asset, before any fee."""
    fee: Decimal
    fee_asset: str
    complete: bool
    """Whether the whole order was executed; the rest of one that was not is cancelled."""

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.base_qty

    def quote_spent(self, quote_asset: str) -> Decimal:
        """What a buyer paid, rounded up to a whole cent so that exposure is never understated."""
        with localcontext(CAREFUL):
            return (self.cost + self._fee_in(quote_asset)).quantize(CENT, ROUND_UP)

    def quote_received(self, quote_asset: str) -> Decimal:
        """What a seller got, rounded down to a whole cent."""
        with localcontext(CAREFUL):
            return max(Decimal(0), self.cost - self._fee_in(quote_asset)).quantize(CENT, ROUND_DOWN)

    def base_bought(self, base_asset: str) -> Decimal:
        """What a buyer holds."""
        with localcontext(CAREFUL):
            return self.base_qty - self._fee_in(base_asset)

    def base_sold(self, base_asset: str) -> Decimal:
        """What a seller no longer holds."""
        with localcontext(CAREFUL):
            return self.base_qty + self._fee_in(base_asset)

    def _fee_in(self, asset: str) -> Decimal:
        return self.fee if self.fee_asset == asset else Decimal(0)
