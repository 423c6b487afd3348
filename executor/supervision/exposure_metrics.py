"""Exposure gauges, across all executors; and the number of open orders and positions by state."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Never

import structlog

from executor.model import FINAL, OrderState, PositionState, position
from shared.errors import TransientError
from shared.events import Mode
from shared.postgres.database import Database
from shared.states import HELD as POSITIONS_HELD
from shared.states import UNSETTLED, in_sql

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5.0
EXPOSURE: Final = "SELECT reserved_usdt, filled_usdt FROM exposure WHERE mode = $1"
COUNTS: Final = f"""
SELECT state, count(*) AS count FROM orders
WHERE mode = $1 AND state IN {in_sql(UNSETTLED)} GROUP BY state
"""  # noqa: S608 - constants
HELD: Final = f"""
SELECT state, count(*) AS count FROM positions
WHERE mode = $1 AND state IN {in_sql(POSITIONS_HELD)} GROUP BY state
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure of one mode, with its open orders and positions."""

    mode: Mode
    reserved_usdt: Decimal
    held_usdt: Decimal
    open_orders: Mapping[OrderState, int]
    positions: Mapping[PositionState, int]


async def read_exposure(database: Database, mode: Mode) -> Exposure:
    """Return the present exposure; raise TransientError when the database is away."""
    async with database.connection() as connection:
        exposure = await connection.fetchrow(EXPOSURE, mode)
        counts = {row["state"]: row["count"] for row in await connection.fetch(COUNTS, mode)}
        held = {row["state"]: row["count"] for row in await connection.fetch(HELD, mode)}
    if exposure is None:
        raise TransientError(f"the exposure of {mode} is not seeded")
    open_orders = {state: counts.get(state, 0) for state in OrderState if state not in FINAL}
    positions = {state: held.get(state, 0) for state in position.HELD}
    return Exposure(mode, exposure["reserved_usdt"], exposure["filled_usdt"], open_orders, positions)


async def show_exposure(database: Database, show: Callable[[Exposure], None]) -> Never:
    """Have *show* show it every few seconds, until cancelled; this also keeps a connection warm between listings."""
    while True:
        for mode in Mode:
            try:
                show(await read_exposure(database, mode))
            except TransientError as error:
                log.debug("exposure not read", mode=mode, reason=str(error))
            except Exception:
                log.exception("exposure not shown", mode=mode)
        await asyncio.sleep(EVERY_SECONDS)
