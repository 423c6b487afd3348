"""Fill of an order: quantities, cost and fees. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext
from typing import Final

from executor.model.money import CAREFUL, CENT

WORST_FEE: Final = Decimal("0.002")
"""As a ratio: the highest taker fee that MEXC is known to have charged."""


@dataclass(frozen=True, slots=True)
class Fill:
    """The executed part of one order. The exchange names the asset of its fee; never assume one."""

    base_qty: Decimal
    """Executed, before any fee."""
    cost: Decimal
    """In the quote asset, before any fee."""
    fee: Decimal
    fee_asset: str
    """The fee that counts most: in the coin, then in the quote asset, then in any other."""
    complete: bool
    """Whether the whole order was executed; the rest of one that was not is cancelled."""
    other_fees: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    """By asset, where the exchange took its fee in several."""
    traded_at: datetime | None = field(default=None, compare=False)
    """The time of the last trade; None where the exchange did not name it."""

    @property
    def fees(self) -> Mapping[str, Decimal]:
        """All fees by asset."""
        return {self.fee_asset: self.fee, **self.other_fees}

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.base_qty

    def quote_spent(self, quote_asset: str) -> Decimal:
        """The cost of a buyer with the fee, rounded up to a whole cent so that exposure is never understated."""
        with localcontext(CAREFUL):
            return (self.cost + self._fee_in(quote_asset)).quantize(CENT, ROUND_UP)

    def cost_with_fee(self, quote_asset: str) -> Decimal:
        """The cost of a buyer with the fee, to the last digit."""
        with localcontext(CAREFUL):
            return self.cost + self._fee_in(quote_asset)

    def proceeds_less_fee(self, quote_asset: str) -> Decimal:
        """The proceeds of a seller less the fee, to the last digit; negative where the fee was more."""
        with localcontext(CAREFUL):
            return self.cost - self._fee_in(quote_asset)

    def quote_received(self, quote_asset: str) -> Decimal:
        """The proceeds of a seller less the fee, rounded down to a whole cent."""
        with localcontext(CAREFUL):
            return max(Decimal(0), self.cost - self._fee_in(quote_asset)).quantize(CENT, ROUND_DOWN)

    def base_bought(self, base_asset: str) -> Decimal:
        """The quantity that a buyer holds, net of the fee."""
        with localcontext(CAREFUL):
            return self.base_qty - self._fee_in(base_asset)

    def base_sold(self, base_asset: str) -> Decimal:
        """The quantity that a seller no longer holds, the fee included."""
        with localcontext(CAREFUL):
            return self.base_qty + self._fee_in(base_asset)

    def _fee_in(self, asset: str) -> Decimal:
        return self.fees.get(asset, Decimal(0))


Fee = tuple[str | None, Decimal]
"""Asset and amount; None where the exchange does not name the asset."""


def fees_of(base_asset: str, quote_asset: str, fees: Iterable[Fee]) -> Mapping[str, Decimal]:
    """Sum *fees* by asset, the one that counts most first. A fee without an asset counts as money spent."""
    sums: dict[str, Decimal] = {}
    with localcontext(CAREFUL):
        for asset, fee in fees:
            if fee:
                named = asset or quote_asset
                sums[named] = sums.get(named, Decimal(0)) + fee
    ranked = [asset for asset in (base_asset, quote_asset) if asset in sums]
    return {asset: sums[asset] for asset in (*ranked, *(each for each in sums if each not in ranked))}


def fill_with_fees(
    base_qty: Decimal,
    cost: Decimal,
    fees: Mapping[str, Decimal],
    otherwise: str,
    *,
    complete: bool,
    traded_at: datetime | None = None,
) -> Fill:
    """Return the fill with *fees* in that order; without any, its fee is zero in *otherwise*."""
    (asset, fee), *others = fees.items() or [(otherwise, Decimal(0))]
    return Fill(base_qty, cost, fee, asset, complete, dict(others), traded_at)
