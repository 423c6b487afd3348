"""What an operator decides, and which decisions are refused. Pure."""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from api.schemas import Amount
from shared.cloudevents import explain
from shared.errors import SniperError

REASON_CHARACTERS_MAX: Final = 200

Limit = Annotated[Amount, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]


class RefusedChangeError(SniperError):
    """The change would not leave a valid configuration; the message names the field."""


class Controls(BaseModel):
    """The part of trade_config that people change."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    max_trade_usdt: Limit
    max_position_usdt: Limit
    auto_trade: bool
    halted: bool
    exits_halted: bool
    halted_reason: Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]

    @model_validator(mode="after")
    def _position_covers_trade(self) -> Self:
        if self.max_position_usdt < self.max_trade_usdt:
            message = "max_position_usdt: must not be less than max_trade_usdt"
            raise PydanticCustomError("contract_position", message)
        return self


CHANGEABLE: Final = ("max_trade_usdt", "max_position_usdt", "auto_trade")
"""What `change` takes; the halt has its own two commands, so that it is never set in passing."""


def changed(before: Controls, changes: Mapping[str, object]) -> Controls:
    """Return *before* with *changes*; raise RefusedChangeError naming the field that does not fit."""
    if not changes:
        raise RefusedChangeError("nothing to change")
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise RefusedChangeError(f"{unknown[0]}: is not one of {', '.join(CHANGEABLE)}")
    return _checked({**before.model_dump(), **changes})


def halted(before: Controls, reason: str, *, exits: bool = False) -> Controls:
    """Return *before* with purchases halted for *reason*, and *exits* too; those that are halted already stay so."""
    stop = {"halted": True, "halted_reason": reason, "exits_halted": exits or before.exits_halted}
    return _checked({**before.model_dump(), **stop})


def resumed(before: Controls) -> Controls:
    """Return *before* with trading allowed again."""
    return _checked({**before.model_dump(), "halted": False, "halted_reason": "", "exits_halted": False})


def _checked(values: Mapping[str, object]) -> Controls:
    try:
        return Controls.model_validate(values)
    except ValidationError as error:
        raise RefusedChangeError(explain(error)) from None
