"""Outcomes of unknown orders, determined by operators, for the executor; the only writer of settle_requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from api.operator import actions
from shared.control.config_store import Author
from shared.errors import SniperError
from shared.postgres.database import Database

READ: Final = "SELECT state, symbol, side, given_up_at FROM orders WHERE client_order_id = $1"
REQUEST: Final = """
    INSERT INTO settle_requests (client_order_id, base_qty, cost, fee, fee_asset, reason, requested_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_IN_DOUBT: Final = frozenset({"acknowledged", "unknown"})


class NotInDoubtError(SniperError):
    """The order's outcome is known."""


class NoSuchOrderError(NotInDoubtError):
    """No order has that name."""


class UnclearOutcomeError(SniperError):
    """The outcome is missing, contradictory or impossible."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fill of an order; raises UnclearOutcomeError if it is impossible."""

    base_qty: Decimal
    """Executed, before any fee."""
    cost: Decimal
    """In the quote asset, before any fee."""
    fee: Decimal | None = None
    fee_asset: str | None = None

    def __post_init__(self) -> None:
        amounts = [self.base_qty, self.cost]
        if not all(amount.is_finite() and amount > 0 for amount in amounts):
            raise UnclearOutcomeError("what was filled, and what it cost, must be positive numbers")
        if (self.fee is None) != (not self.fee_asset):
            raise UnclearOutcomeError("a fee needs its asset, and an asset its fee")
        if self.fee is not None and not (self.fee.is_finite() and self.fee >= 0):
            raise UnclearOutcomeError("a fee must be a number, and not below nought")


def outcome_of(
    *, absent: bool, base_qty: Decimal | None, cost: Decimal | None, fee: Decimal | None, fee_asset: str | None
) -> Outcome | None:
    """Return the outcome of an order, None if it never took place; raise UnclearOutcomeError."""
    says_filled = base_qty is not None and cost is not None
    says_half = (base_qty is None) != (cost is None)
    if absent == says_filled or says_half or (absent and (fee is not None or fee_asset)):
        raise UnclearOutcomeError("say either absent, or filled and cost, and fee where there was one")
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

    Raises NotInDoubtError if its outcome is known.
    """
    async with database.transaction() as connection:
        row = await connection.fetchrow(READ, client_order_id)
        if row is None:
            raise NoSuchOrderError(f"there is no order {client_order_id}")
        appeared = row["state"] == "failed" and row["given_up_at"] is not None and outcome is not None
        if row["state"] not in _IN_DOUBT and not appeared:
            raise NotInDoubtError(f"{client_order_id} is {row['state']}: there is nothing to decide about it")
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


def _document(outcome: Outcome | None) -> Mapping[str, JsonValue]:
    if outcome is None:
        return {"absent": True}
    fee = {} if outcome.fee is None else {"fee": f"{outcome.fee:f}", "fee_asset": outcome.fee_asset}
    return {"base_qty": f"{outcome.base_qty:f}", "cost": f"{outcome.cost:f}", **fee}


def request_message(client_order_id: str, what: str, outcome: Outcome | None) -> str:
    """Return the outcome of a request to settle the order, in words; *what* is its side and symbol."""
    became = "never took place" if outcome is None else f"filled {outcome.base_qty:f} for {outcome.cost:f}"
    return f"{client_order_id} ({what}): the executor is asked to record that it {became}"
