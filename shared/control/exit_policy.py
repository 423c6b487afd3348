"""Exit policy of a position: take-profit, its ladder, stops and holding time, with their bounds. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic_core import PydanticCustomError

STEPS_MAX: Final = 10
ENTRY_SLIPPAGE_PCT: Final = Decimal(5)
"""For orders of a version that did not store it."""
_DECIMALS: Final = 4
_HUNDRED: Final = Decimal(100)


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"  # str() would write a small amount as 1E-8.


_Text = PlainSerializer(_plain, return_type=str)
Percent = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=_DECIMALS, allow_inf_nan=False), _Text]
Share = Annotated[Decimal, Field(gt=0, lt=100, decimal_places=_DECIMALS, allow_inf_nan=False), _Text]
"""In per cent, of an amount that can be lost only once."""
Part = Annotated[Decimal, Field(gt=0, le=100, decimal_places=_DECIMALS, allow_inf_nan=False), _Text]
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class LadderStep(BaseModel):
    """Sale of a part once the price has risen so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_pct: Percent
    """Above the price paid, fee deducted."""
    sell_pct: Part
    """Of the quantity bought."""


def _climbing(steps: tuple[LadderStep, ...]) -> tuple[LadderStep, ...]:
    for number, (lower, higher) in enumerate(pairwise(steps), start=1):
        if higher.at_pct <= lower.at_pct:
            raise PydanticCustomError("ladder_order", f"{number}.at_pct must be above that of the step before it")
    if sum((step.sell_pct for step in steps), Decimal(0)) > _HUNDRED:
        raise PydanticCustomError("ladder_sum", "the sell_pct of all steps together must not exceed 100")
    return steps


Ladder = Annotated[tuple[LadderStep, ...], Field(max_length=STEPS_MAX), AfterValidator(_climbing)]
"""Lowest step first."""


class ExitPolicy(BaseModel):
    """Conditions to sell a position; None disables one."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    take_profit_pct: Percent | None = None
    """Sell all of it at this profit over the cost, fee deducted."""
    take_profit_ladder: Ladder = ()
    """Sell parts of it below that."""
    stop_loss_pct: Share | None = None
    """Sell at this loss below the price paid less the first spread."""
    trailing_stop_pct: Share | None = None
    """Sell at this fall below the highest price since the purchase."""
    trailing_activation_pct: Percent | None = None
    """Rise of the highest price above the price paid that activates the trailing stop; None: from the first look."""
    holding_seconds_max: Seconds | None = None
    """Sell at this age."""


FIELDS: Final = tuple(ExitPolicy.model_fields)
NO_EXITS: Final = ExitPolicy()


class ExitOverrides(ExitPolicy):
    """Exits of one position instead of the configured ones: only fields that are set count, also those set to None."""

    def over(self, configured: ExitPolicy) -> ExitPolicy:
        """Return *configured*, overridden by the fields set here."""
        return configured.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


def effective_policy(configured: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[ExitPolicy, Sequence[str]]:
    """Return the policy of a position with its *own* exits over the *configured* ones, and unreadable fields.

    Fields of another version that are unreadable here are left out and named: the other exits hold all the same.
    """
    values = {**configured, **own}
    if values["take_profit_ladder"] is None:  # Without any configuration.
        values["take_profit_ladder"] = ()
    try:
        return ExitPolicy.model_validate(values), ()
    except ValidationError as error:
        unreadable = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    rest = {name: value for name, value in own.items() if name not in unreadable}
    instead = {name: NO_EXITS.model_dump().get(name) for name in unreadable - own.keys()}
    policy, others = effective_policy({**configured, **instead}, rest)
    return policy, sorted({*unreadable, *others})


def contradiction(policy: ExitPolicy) -> tuple[str, str] | None:
    """Return a contradictory field of *policy*, and why; None without any."""
    reached = policy.take_profit_pct
    if reached is not None and (beyond := _beyond(reached, policy.take_profit_ladder)) is not None:
        return f"take_profit_ladder.{beyond}.at_pct", "must be below take_profit_pct, at which all is sold"
    return None


def _beyond(limit: Decimal, steps: Iterable[LadderStep]) -> int | None:
    """Return the number of the first of *steps* at or above *limit*."""
    return next((number for number, step in enumerate(steps) if step.at_pct >= limit), None)
