"""Changes of the configuration by operators, with the rules that refuse them. Pure."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from shared.control import exit_policy
from shared.control.controls import FIELDS, REASON_CHARACTERS_MAX, Controls
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
"""Fields that `apply_changes` accepts; halts have commands of their own, so that none is set by accident."""
CONFIRMATION: Final = "live"
"""Confirmation required for a change that lets orders cost money, or for longer."""

_UNPRINTED: Final = frozenset({"Cc", "Cs"})
"""Categories of control characters, and of halves of characters, which nothing can store."""


class RefusedChangeError(SniperError):
    """The change would not leave a valid configuration; the message names the field."""

    def __init__(self, field_errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in field_errors))
        self.field_errors = field_errors
        """Fields, empty for the change as a whole, with their messages."""


def refused(field: str, message: str) -> RefusedChangeError:
    """Return the refusal of one *field*."""
    return RefusedChangeError([(field, message)])


def apply_changes(
    before: Controls, changes: Mapping[str, object], *, confirmation: str | None, now: datetime
) -> Controls:
    """Return *before* with *changes*; raise RefusedChangeError naming the invalid field.

    A change that lets orders cost money from *now* on, or for longer, must be confirmed.
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


def kept_reason(reason: str) -> str:
    """Return as much of *reason* as can be kept, without control characters: a stop is never refused for its reason."""
    spaced = (" " if each.isspace() else each for each in reason)
    return "".join(each for each in spaced if unicodedata.category(each) not in _UNPRINTED)[:REASON_CHARACTERS_MAX]


def with_halt(before: Controls, reason: str, *, exits: bool = False) -> Controls:
    """Return *before* with purchases halted for *reason*, and with *exits* sales too; halted sales stay halted.

    Halting sales also ends a sale of everything.
    """
    stop = {"halted": True, "halted_reason": kept_reason(reason), "exits_halted": exits or before.exits_halted}
    return before.model_copy(update={**stop, "selling_all": before.selling_all and not exits})


def with_halt_and_sale(before: Controls, reason: str) -> Controls:
    """Return *before* with purchases halted for *reason*, and everything held being sold."""
    selling = {"exits_halted": False, "selling_all": True}
    return before.model_copy(update={"halted": True, "halted_reason": kept_reason(reason), **selling})


def with_resume(before: Controls) -> Controls:
    """Return *before* with trading allowed again."""
    lifted = {"halted": False, "halted_reason": "", "exits_halted": False, "selling_all": False}
    return before.model_copy(update=lifted)


def _merged(before: Controls, changes: Mapping[str, object]) -> Controls:
    """Return *before* with *changes*. The end time of live trading applies to the current period only."""
    values = {**{name: getattr(before, name) for name in FIELDS}, **changes}
    if "auto_trade_until" in changes:
        return _checked(values)
    after = _checked({**values, "auto_trade_until": None})
    goes_on = before.auto_trade and after.auto_trade
    return after.model_copy(update={"auto_trade_until": before.auto_trade_until}) if goes_on else after


def _trades_longer(before: Controls, after: Controls) -> bool:
    """Return whether *after* lets orders cost money where *before* does not, or for longer."""
    if not after.auto_trade:
        return False
    if not before.auto_trade:
        return True
    ends, ended = after.auto_trade_until, before.auto_trade_until
    return ended is not None and (ends is None or ends > ended)


def _checked(values: Mapping[str, object]) -> Controls:
    try:
        return Controls.model_validate(values)
    except ValidationError as error:
        raise RefusedChangeError(problems(error)) from None
