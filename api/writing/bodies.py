"""Request bodies that change the configuration and exits; an unknown field is refused by name."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool

from api.schemas import RequestTime
from shared.control.controls import Limit
from shared.control.exit_policy import FIELDS, Ladder, Percent, Seconds, Share

EXITS_EXAMPLE: Final[dict[str, JsonValue]] = {
    "stop_loss_pct": "10",
    "take_profit_ladder": [{"at_pct": "30", "sell_pct": "50"}],
}


def _left_out(**constraints: Any) -> Any:
    """Return a field that is optional but, unlike one with the default null, not nullable."""
    return Field(default_factory=lambda: None, **constraints)


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def given(self, *without: str) -> dict[str, object]:
        """Return the fields given in the request."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in without}


class ExitsBody(Body):
    """Exits; null: no such exit."""

    take_profit_pct: Percent | None = _left_out()
    take_profit_ladder: Ladder = _left_out()
    stop_loss_pct: Share | None = _left_out()
    trailing_stop_pct: Share | None = _left_out()
    trailing_activation_pct: Percent | None = _left_out()
    holding_seconds_max: Seconds | None = _left_out()


class ConfigBody(ExitsBody):
    """Changes of the configuration; omitted fields stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_trade_usdt": "50", **EXITS_EXAMPLE}]})

    max_trade_usdt: Limit = _left_out()
    max_position_usdt: Limit = _left_out()
    auto_trade: StrictBool = _left_out()
    auto_trade_until: RequestTime | None = _left_out()
    entry_slippage_pct: Percent = _left_out()
    daily_loss_usdt_max: Limit | None = _left_out()
    confirm: Literal["live"] | None = None
    """Required if orders would cost money from now on, or for longer."""


class PositionBody(ExitsBody):
    """Exits of one position instead of the configured ones; omitted fields stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXITS_EXAMPLE, "follow": ["take_profit_pct"]}]})

    follow: Annotated[list[str], Field(max_length=len(FIELDS))] = []
    """Fields that follow the configuration again."""
