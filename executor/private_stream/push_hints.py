"""Hints of the private stream: what to look up at once because of a push. A push is never believed itself."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import structlog

from executor.model import is_ours
from executor.private_stream.account_pushes import BalancePush, DealPush, OrderPush, OtherPush, Push
from executor.private_stream.push_metrics import PushMetrics

log = structlog.get_logger(__name__)


class PushKind(StrEnum):
    ORDER = "order"
    DEAL = "deal"
    BALANCE = "balance"
    FOREIGN = "foreign"
    """Of an order that was not sent from here, by hand for example."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Checks:
    """Looks at the exchange that a push brings forward."""

    unsettled: Callable[[str], bool]
    """Looks up the order sent under an id at once; returns False where it is not unsettled."""
    given_up: Callable[[str], None]
    """Looks up the order sent under an id soon, if it was given up."""
    balances: Sequence[Callable[[], None]]
    """Each compares the balances soon."""

    def order(self, client_order_id: str) -> bool:
        """Bring the look-up of an order forward; return whether it waits for its outcome."""
        if self.unsettled(client_order_id):
            return True
        self.given_up(client_order_id)
        return False

    def compare_balances(self) -> None:
        """Bring every comparison of the balances forward."""
        for compare in self.balances:
            compare()


class PushHints:
    def __init__(self, checks: Checks, ignored_assets: Collection[str], metrics: PushMetrics) -> None:
        """Balances of *ignored_assets* change for reasons that no check is about."""
        self._checks = checks
        self._ignored = ignored_assets
        self.metrics = metrics
        self._knows_foreign = False

    def take(self, push: Push) -> bool:
        """Bring forward the look that *push* asks for; return whether it was of a kind that was subscribed to."""
        match push:
            case OrderPush(client_order_id):
                self._order(PushKind.ORDER, client_order_id)
            case DealPush(client_order_id):
                self._order(PushKind.DEAL, client_order_id)
            case BalancePush(asset):
                self.metrics.pushed(PushKind.BALANCE)
                if asset not in self._ignored:
                    self._checks.compare_balances()
                    self.metrics.brought_forward(PushKind.BALANCE)
            case OtherPush():
                self.metrics.pushed(PushKind.OTHER)
                return False
            case _:
                assert_never(push)
        return True

    def _order(self, kind: PushKind, client_order_id: str) -> None:
        if is_ours(client_order_id):
            self.metrics.pushed(kind)
            if self._checks.order(client_order_id):
                self.metrics.brought_forward(PushKind.ORDER)
            return
        self.metrics.pushed(PushKind.FOREIGN)
        if not self._knows_foreign:
            self._knows_foreign = True
            log.info("the account has orders that were not sent from here; their pushes are only counted")
