"""Outcomes of unknown orders, determined by operators, for the executor; the only writer of settle_requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from asyncpg import Record
from pydantic import JsonValue

from api.operator import actions
from shared.control.config_store import Author
from shared.errors import SniperError
from shared.events import Side
from shared.mexc.symbols import normalise
from shared.postgres.database import Database

# Of further attempts only the last has its request here, which is not that of an earlier one that appeared after all.
READ: Final = """
    SELECT state, symbol, side, given_up_at, quote_qty, base_asset, listing ->> 'quote_asset' AS quote_asset,
        coalesce(base_qty, CASE WHEN attempt = 1 THEN (request ->> 'quantity')::numeric END) AS base_qty
    FROM orders WHERE client_order_id = $1
"""
REQUEST: Final = """
    INSERT INTO settle_requests (client_order_id, base_qty, cost, fee, fee_asset, reason, requested_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_IN_DOUBT: Final = frozenset({"acknowledged", "unknown"})
_ROUNDING: Final = Decimal("1.01")
"""How many times its reservation a purchase may cost: that has room for the fee, so that rounding is all there is."""
_MONEY_MAX: Final = Decimal("1E10")
"""In dollars, exclusive; columns and events hold no more."""
_DIGITS_MAX: Final = 40
_MAGNITUDE_MAX: Final = 20
_ASSET_CHARACTERS_MAX: Final = 40
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"base_qty": "what was filled", "cost": "what it cost", "fee": "the fee"}
)
_SWAPPED: Final = ": are filled and cost swapped?"


class NotInDoubtError(SniperError):
    """The order's outcome is known."""


class NoSuchOrderError(NotInDoubtError):
    """No order has that name."""


class UnclearOutcomeError(SniperError):
    """The outcome is missing, contradictory or impossible."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fill of an order; raises UnclearOutcomeError if it is impossible."""

    base_qty: Decimal
    """Executed, before any fee."""
    cost: Decimal
    """In the quote asset, before any fee."""
    fee: Decimal | None = None
    fee_asset: str | None = None
    """In the one spelling, whichever it was given in: it is compared with the coin and the money of the order."""

    def __post_init__(self) -> None:
        if self.fee_asset:
            object.__setattr__(self, "fee_asset", normalise(self.fee_asset))
        for field, amount in (("base_qty", self.base_qty), ("cost", self.cost)):
            if not (amount.is_finite() and amount > 0):
                raise UnclearOutcomeError(field, "what was filled, and what it cost, must be positive numbers")
        if (self.fee is None) != (not self.fee_asset):
            raise UnclearOutcomeError("fee", "a fee needs its asset, and an asset its fee")
        if self.fee is not None and not (self.fee.is_finite() and self.fee >= 0):
            raise UnclearOutcomeError("fee", "a fee must be a number, and not below nought")
        self._require_room()

    def _require_room(self) -> None:
        """Raise UnclearOutcomeError if a figure has more digits than columns and events hold."""
        for field, amount in (("base_qty", self.base_qty), ("cost", self.cost), ("fee", self.fee or Decimal(0))):
            if len(amount.as_tuple().digits) > _DIGITS_MAX or abs(amount.adjusted()) > _MAGNITUDE_MAX:
                raise UnclearOutcomeError(field, f"{_NAMES[field]} has more digits than can be kept")
        if self.cost >= _MONEY_MAX:
            raise UnclearOutcomeError("cost", f"{_NAMES['cost']} must be less than {_MONEY_MAX:f}")
        if len(self.fee_asset or "") > _ASSET_CHARACTERS_MAX:
            raise UnclearOutcomeError("fee_asset", f"an asset has {_ASSET_CHARACTERS_MAX} characters at most")


def outcome_of(
    *, absent: bool, base_qty: Decimal | None, cost: Decimal | None, fee: Decimal | None, fee_asset: str | None
) -> Outcome | None:
    """Return the outcome of an order, None if it never took place; raise UnclearOutcomeError."""
    says_filled = base_qty is not None and cost is not None
    says_half = (base_qty is None) != (cost is None)
    if absent == says_filled or says_half or (absent and (fee is not None or fee_asset)):
        wanted = "say either --absent, or --filled with --cost, and --fee where there was one"
        raise UnclearOutcomeError("absent", wanted)
    return None if base_qty is None or cost is None else Outcome(base_qty, cost, fee, fee_asset)


async def request(
    database: Database,
    client_order_id: str,
    outcome: Outcome | None,
    *,
    reason: str,
    requested_by: str,
    request_id: str | None = None,
) -> str:
    """Request the settlement of an order with *outcome* (None: it never took place); return its side and symbol.

    Raises NotInDoubtError if its outcome is known, and UnclearOutcomeError if *outcome* cannot be that of the order.
    """
    async with database.transaction() as connection:
        row = await connection.fetchrow(READ, client_order_id)
        if row is None:
            raise NoSuchOrderError(f"there is no order {client_order_id}")
        appeared = row["state"] == "failed" and row["given_up_at"] is not None and outcome is not None
        if row["state"] not in _IN_DOUBT and not appeared:
            raise NotInDoubtError(f"{client_order_id} is {row['state']}: there is nothing to decide about it")
        if outcome is not None:
            _require_possible(outcome, row)
        amounts = (None,) * 4 if outcome is None else (outcome.base_qty, outcome.cost, outcome.fee, outcome.fee_asset)
        await connection.execute(REQUEST, client_order_id, *amounts, reason, requested_by)
        await actions.record(
            connection,
            "settle",
            Author(requested_by, request_id),
            subject=client_order_id,
            details={"reason": reason, **_document(outcome)},
        )
    return f"{row['side']} {row['symbol']}"


def _require_possible(outcome: Outcome, order: Record) -> None:
    """Raise UnclearOutcomeError if *outcome* is more than *order* was for: what is settled stays so."""
    filled, cost, most = outcome.base_qty, outcome.cost, order["base_qty"]
    if most is not None and filled > most:
        raise UnclearOutcomeError(
            "base_qty", f"filled {filled:f} is more than the {most:f} that were ordered{_SWAPPED}"
        )
    if order["side"] == Side.BUY and cost > order["quote_qty"] * _ROUNDING:
        reserved = f"the {order['quote_qty']:f} that were reserved"
        raise UnclearOutcomeError("cost", f"a cost of {cost:f} is more than {reserved}{_SWAPPED}")
    charged = {order["base_asset"]: filled, order["quote_asset"]: cost}.get(outcome.fee_asset, _MONEY_MAX)
    if outcome.fee and outcome.fee >= charged:
        raise UnclearOutcomeError("fee", f"a fee of {outcome.fee:f} is too much: it must be less than {charged:f}")


def _document(outcome: Outcome | None) -> Mapping[str, JsonValue]:
    if outcome is None:
        return {"absent": True}
    fee = {} if outcome.fee is None else {"fee": f"{outcome.fee:f}", "fee_asset": outcome.fee_asset}
    return {"base_qty": f"{outcome.base_qty:f}", "cost": f"{outcome.cost:f}", **fee}


def request_message(client_order_id: str, what: str, outcome: Outcome | None) -> str:
    """Return the outcome of a request to settle the order, in words; *what* is its side and symbol."""
    became = "never took place" if outcome is None else f"filled {outcome.base_qty:f} for {outcome.cost:f}"
    return f"{client_order_id} ({what}): the executor is asked to record that it {became}"
