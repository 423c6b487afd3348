"""The configuration, with the halts in force."""

from pydantic import AwareDatetime

from api.schemas.base import Amount, Answer
from shared.control.exit_policy import LadderStep
from shared.events import Mode


class HaltRow(Answer):
    """One halt in force."""

    cause: str
    """``operator``, or a cause found by the executor: signal, file, failures and so on."""
    mode: Mode | None
    """None: in both."""
    reason: str
    since: AwareDatetime | None
    exits: bool
    """Whether sales are halted, too."""


class TradeConfig(Answer):
    """The limits of trading, the exit policy, and halts."""

    max_trade_usdt: Amount
    max_position_usdt: Amount
    auto_trade: bool
    auto_trade_until: AwareDatetime | None
    """From then on auto_trade is treated as off."""
    take_profit_pct: Amount | None
    take_profit_ladder: list[LadderStep]
    stop_loss_pct: Amount | None
    trailing_stop_pct: Amount | None
    trailing_activation_pct: Amount | None
    holding_seconds_max: float | None
    entry_slippage_pct: Amount
    daily_loss_usdt_max: Amount | None
    halted: bool
    exits_halted: bool
    selling_all: bool
    """Whether everything held is being sold."""
    halted_reason: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    halts: list[HaltRow]
    """All halts in force, the oldest first."""
