"""Decisions of operators about the configuration, and which of them are refused. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from shared.control import exit_policy
from shared.control.controls import FIELDS, REASON_CHARACTERS_MAX, Controls, HaltReason
from shared.errors import SniperError
from shared.wire.cloudevents import problems

__all__ = ["CHANGEABLE", "CONFIRMATION", "REASON_CHARACTERS_MAX", "Controls", "RefusedChangeError"]

CHANGEABLE: Final = (
    "max_trade_usdt",
    "max_position_usdt",
    "auto_trade",
    "auto_trade_until",
    "entry_slippage_pct",
    *exit_policy.FIELDS,
    "daily_loss_usdt_max",
)
"""What `changed` takes; halts have commands of their own, so that none is set in passing."""
CONFIRMATION: Final = "live"
"""What a person has to say where a change lets orders cost money, or for longer."""

_REASON: Final = TypeAdapter(HaltReason)


class RefusedChangeError(SniperError):
    """The change would not leave a valid configuration; the message names the field."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in problems))
        self.problems = problems
        """Fields, the first empty where it is none of them, and what is wrong with each."""


def refused(field: str, message: str) -> RefusedChangeError:
    """Return the refusal of one *field*."""
    return RefusedChangeError([(field, message)])


def changed(before: Controls, changes: Mapping[str, object], *, confirmation: str | None, now: datetime) -> Controls:
    """Return *before* with *changes*; raise RefusedChangeError naming the field that does not fit.

    Where orders may cost money from *now* on, or for longer, that has to be confirmed.
    """
    if not changes:
        raise refused("", "nothing to change")
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise refused(unknown[0], f"is not one of {', '.join(CHANGEABLE)}")
    after = _merged(before, changes)
    ends = after.auto_trade_until
    if ends is not None and ends != before.auto_trade_until and ends <= now:
        raise refused("auto_trade_until", f"is past: it is {now:%Y-%m-%d %H:%M:%S} UTC")
    if _trades_longer(before, after) and confirmation != CONFIRMATION:
        raise refused("confirm", f'must be "{CONFIRMATION}": orders would cost money')
    return after


def halted(before: Controls, reason: str, *, exits: bool = False) -> Controls:
    """Return *before* with purchases halted for *reason*, and *exits* too; those that are halted already stay so.

    Where sales stop, nothing is sold as a whole any more, either.
    """
    stop = {"halted": True, "halted_reason": _reason(reason), "exits_halted": exits or before.exits_halted}
    return before.model_copy(update={**stop, "selling_all": before.selling_all and not exits})


def halted_and_selling(before: Controls, reason: str) -> Controls:
    """Return *before* with purchases halted for *reason*, and everything that is held being sold."""
    selling = {"exits_halted": False, "selling_all": True}
    return before.model_copy(update={"halted": True, "halted_reason": _reason(reason), **selling})


def resumed(before: Controls) -> Controls:
    """Return *before* with trading allowed again."""
    lifted = {"halted": False, "halted_reason": "", "exits_halted": False, "selling_all": False}
    return before.model_copy(update=lifted)


def _merged(before: Controls, changes: Mapping[str, object]) -> Controls:
    """Return *before* with *changes*. The time at which live trading ends is that of this live trading only."""
    values = {**_values(before), **changes}
    if "auto_trade_until" in changes:
        return _checked(values)
    after = _checked({**values, "auto_trade_until": None})
    goes_on = before.auto_trade and after.auto_trade
    return after.model_copy(update={"auto_trade_until": before.auto_trade_until}) if goes_on else after


def _trades_longer(before: Controls, after: Controls) -> bool:
    """Return whether orders may cost money in *after* where they may not in *before*, or after they no longer may."""
    if not after.auto_trade:
        return False
    if not before.auto_trade:
        return True
    ends, ended = after.auto_trade_until, before.auto_trade_until
    return ended is not None and (ends is None or ends > ended)


def _values(controls: Controls) -> dict[str, Any]:
    return {name: getattr(controls, name) for name in FIELDS}


def _checked(values: Mapping[str, object]) -> Controls:
    try:
        return Controls.model_validate(values)
    except ValidationError as error:
        raise RefusedChangeError(problems(error)) from None


def _reason(reason: str) -> str:
    """Return *reason*; raise RefusedChangeError where it cannot be kept."""
    try:
        return _REASON.validate_python(reason)
    except ValidationError as error:
        raise RefusedChangeError([("halted_reason", message) for _, message in problems(error)]) from None
