"""Controls of operators: limits, the exit policy, live trading and halts, as one value with bounds. Pure."""

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
"""USDT."""
HaltReason = Annotated[str, Field(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


class Controls(ExitPolicy):
    """Fields of trade_config that people change."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    max_trade_usdt: Limit
    max_position_usdt: Limit
    auto_trade: bool
    auto_trade_until: AwareDatetime | None = None
    """Expiry of auto_trade."""
    entry_slippage_pct: Percent = ENTRY_SLIPPAGE_PCT
    """Slippage above the reference price that a capped purchase may pay."""
    daily_loss_usdt_max: Limit | None = None
    """Daily loss of a mode that halts its purchases."""
    halted: bool
    exits_halted: bool
    selling_all: bool = False
    """Until trading resumes, everything held is sold."""
    halted_reason: HaltReason

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Raise an error naming a field that contradicts another."""
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
"""Fields that an environment may set once, before a person does."""
_LADDER: Final = TypeAdapter(Ladder)


def controls_from_row(row: Mapping[str, Any]) -> Controls:
    """Return the controls in *row*, valid or not: a halt must not fail over another invalid field."""
    try:
        ladder = _LADDER.validate_python(row["take_profit_ladder"])
    except ValidationError:
        ladder = ()  # Unreadable steps are never written back: only changed fields are.
    return Controls.model_construct(**{**{name: row[name] for name in FIELDS}, "take_profit_ladder": ladder})


def changed_fields(before: Controls, after: Controls) -> Mapping[str, Any]:
    """Return the fields that differ in *after*, with their values there."""
    return {name: getattr(after, name) for name in FIELDS if getattr(after, name) != getattr(before, name)}
