"""The exit policy of a test: none but what it asks for, as an operator would have set it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from shared.control.controls import Controls
from shared.control.exit_policy import FIELDS, NO_EXITS
from shared.postgres.database import Database

CONFIGURED: Final = frozenset({*FIELDS, "entry_slippage_pct", "daily_loss_usdt_max"})


_LIMITS: Final = {
    "max_trade_usdt": 1,
    "max_position_usdt": 1,
    "auto_trade": False,
    "halted": False,
    "exits_halted": False,
    "halted_reason": "",
}


def split(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of *settings* is configuration, and what is the executor's."""
    policy = {name: value for name, value in settings.items() if name in CONFIGURED}
    return policy, {name: value for name, value in settings.items() if name not in CONFIGURED}


async def configure_exits(database: Database, **policy: Any) -> None:
    """Let positions be sold for the reasons in *policy* alone, and purchases pay 5 % above the reference else."""
    chosen = {**NO_EXITS.model_dump(), "entry_slippage_pct": 5, "daily_loss_usdt_max": None, **policy}
    checked = Controls.model_validate({**_LIMITS, **chosen})
    document = checked.model_dump(mode="json")
    async with database.connection() as connection:
        for name in sorted(CONFIGURED):
            value = document[name] if name == "take_profit_ladder" else getattr(checked, name)
            await connection.execute(f"UPDATE trade_config SET {name} = $1", value)


@asynccontextmanager
async def configured_exits(database: Database, **policy: Any) -> AsyncIterator[None]:
    """Configure them, for what stands among other contexts."""
    await configure_exits(database, **policy)
    yield
