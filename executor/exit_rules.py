"""When a position is to be sold. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from executor.limits import CAREFUL
from executor.order import ExitReason
from executor.position import Position
from executor.settings import ExitSettings

_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known when a position is looked at."""

    bid: Decimal | None
    """What somebody pays for the coin now; None where nobody does, or it could not be learned."""
    close_requested: bool
    now: datetime


def exit_due(position: Position, seen: Seen, settings: ExitSettings) -> ExitReason | None:
    """Return why *position* is to be sold now; None while it is to be kept.

    What a person wants comes first, then what limits a loss, then time, then gain. A sale that got rid of a part is
    finished, whatever the price has done since.
    """
    checks = (
        (ExitReason.BY_HAND, seen.close_requested),
        (ExitReason.STOP_LOSS, _has_fallen(seen.bid, position.average_price, settings.stop_loss_pct)),
        (ExitReason.TRAILING_STOP, _has_fallen(seen.bid, position.peak_price, settings.trailing_stop_pct)),
        (ExitReason.HOLDING_TIME, _is_over(seen.now - position.opened_at, settings.holding_seconds_max)),
        (ExitReason.TAKE_PROFIT, _has_risen(seen.bid, position.average_price, settings.take_profit_pct)),
        (ExitReason.REMAINDER, position.received_usdt > 0),
    )
    return next((reason for reason, is_due in checks if is_due), None)


def _has_fallen(bid: Decimal | None, price: Decimal, percent: Decimal | None) -> bool:
    return bid is not None and percent is not None and bid <= below(price, percent)


def _has_risen(bid: Decimal | None, price: Decimal, percent: Decimal | None) -> bool:
    return bid is not None and percent is not None and bid >= above(price, percent)


def _is_over(held: timedelta, seconds_max: float | None) -> bool:
    return seconds_max is not None and held >= timedelta(seconds=seconds_max)


def above(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* and *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 + percent / _HUNDRED)


def below(price: Decimal, percent: Decimal) -> Decimal:
    """Return *price* less *percent* of it."""
    with localcontext(CAREFUL):
        return price * (1 - percent / _HUNDRED)
