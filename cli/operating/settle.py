"""`sniper orders settle`: record the outcome of an order that the exchange does not report."""

from decimal import Decimal, InvalidOperation

from rich.console import Console

from api.operator import settle_requests
from api.operator.settle_requests import NotInDoubtError, Outcome, UnclearOutcomeError
from cli import command_runner
from shared.errors import SettingsError


async def settle(client_order_id: str, outcome: Outcome | None, reason: str) -> None:
    """Request the settlement of the order; author and reason are recorded."""
    async with command_runner.database() as database:
        try:
            what = await settle_requests.request(
                database, client_order_id, outcome, reason=reason, requested_by=command_runner.operator_name()
            )
        except (NotInDoubtError, UnclearOutcomeError) as error:
            raise command_runner.usage_error(error) from None
    line = settle_requests.request_message(client_order_id, what, outcome)
    Console(soft_wrap=True).print(line, markup=False, highlight=False)


def outcome_of(*, absent: bool, filled: str | None, cost: str | None, fee: str | None) -> Outcome | None:
    """Return the outcome given by the options; raise SettingsError if they are empty or contradictory."""
    amount, _, asset = (fee or "").partition(":")
    try:
        return settle_requests.outcome_of(
            absent=absent,
            base_qty=None if filled is None else Decimal(filled),
            cost=None if cost is None else Decimal(cost),
            fee=None if fee is None else Decimal(amount),
            fee_asset=asset or None,
        )
    except InvalidOperation:
        raise SettingsError("amounts are numbers like 12.5, and a fee is one like 0.02:USDT") from None
    except UnclearOutcomeError as error:
        raise SettingsError(str(error)) from None
