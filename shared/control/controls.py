"""What operators control: limits, the exit policy, live trading and halts, as one value with its bounds. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.control.exit_policy import ENTRY_SLIPPAGE_PCT, ExitPolicy, Ladder, Percent, contradiction

REASON_CHARACTERS_MAX: Final = 200

Limit = Annotated[
    Decimal,
    Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str),
]
"""Dollars."""
HaltReason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


class Controls(ExitPolicy):
    """The part of trade_config that people change."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    max_trade_usdt: Limit
    max_position_usdt: Limit
    auto_trade: bool
    auto_trade_until: AwareDatetime | None = None
    """From then on auto_trade counts as off."""
    entry_slippage_pct: Percent = ENTRY_SLIPPAGE_PCT
    """How far above the reference price a capped purchase may pay."""
    daily_loss_usdt_max: Limit | None = None
    """Purchases of a mode halt when it loses as much on a day."""
    halted: bool
    exits_halted: bool
    selling_all: bool = False
    """Until trading resumes everything that is held is sold."""
    halted_reason: HaltReason

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse fields that make no sense together, by the name of one."""
        if self.max_position_usdt < self.max_trade_usdt:
            message = "max_position_usdt: must not be less than max_trade_usdt"
            raise PydanticCustomError("contract_position", message)
        if self.auto_trade_until is not None and not self.auto_trade:
            raise PydanticCustomError("contract_until", "auto_trade_until: is for while auto_trade is on")
        if (found := contradiction(self)) is not None:
            raise PydanticCustomError("contract_exits", "{field}: {why}", {"field": found[0], "why": found[1]})
        return self


FIELDS: Final = tuple(Controls.model_fields)
SEEDED: Final = frozenset({*ExitPolicy.model_fields, "entry_slippage_pct"})
"""What an environment may set once, before a person does."""
_LADDER: Final = TypeAdapter(Ladder)


def controls_from_row(row: Mapping[str, Any]) -> Controls:
    """Return what *row* holds, valid or not: a halt must not fail over what is wrong beside it."""
    try:
        ladder = _LADDER.validate_python(row["take_profit_ladder"])
    except ValidationError:
        ladder = ()  # Nor is what cannot be read ever written: only what a decision changes is.
    return Controls.model_construct(**{**{name: row[name] for name in FIELDS}, "take_profit_ladder": ladder})


def changed_fields(before: Controls, after: Controls) -> Mapping[str, Any]:
    """Return the fields that *after* has otherwise than *before*, as it has them."""
    return {name: getattr(after, name) for name in FIELDS if getattr(after, name) != getattr(before, name)}
