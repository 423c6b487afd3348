"""Changes of trade_config by operators, each validated, and recorded with its author."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.operator import actions, close_requests, operator_changes
from api.operator.operator_changes import Controls
from api.schemas import TradeConfig
from shared.control import config_store
from shared.control.config_store import Author, LockedConfig
from shared.control.controls import controls_from_row
from shared.control.halts import halts_in_force
from shared.errors import SniperError
from shared.postgres.database import Connection, Database

# Everything the executor has latched is older from now on, even if a clock stepped back.
LIFT: Final = """
    UPDATE trade_config
    SET resumed_at = greatest(clock_timestamp(), (SELECT max(created_at) FROM halts)), updated_at = clock_timestamp()
"""


class StaleConfigError(SniperError):
    """The configuration was changed since it was read."""

    def __init__(self, current: TradeConfig) -> None:
        super().__init__(f"the configuration was changed at {current.updated_at:%Y-%m-%d %H:%M:%S} UTC: read it anew")
        self.current = current


class MissingConfigError(SniperError):
    """trade_config has lost its row, so nothing is traded: restore it from a backup."""


@dataclass(frozen=True, slots=True)
class HaltAndSellResult:
    """Result of a halt that sells everything."""

    config: TradeConfig
    positions: Sequence[str]
    """The names of the positions held then; purchases in progress are sold, too."""
    obstacles: Sequence[str]
    """Why they are not sold for now."""

    def message(self) -> str:
        """Return the result in words."""
        if not self.positions:
            return "purchases are halted; nothing is held"
        text = f"purchases are halted, and the executor is asked to sell {', '.join(self.positions)}"
        return "; ".join([text, *self.obstacles])


async def read(database: Database) -> TradeConfig:
    """Return the configuration; raise MissingConfigError if there is none."""
    async with database.connection() as connection:
        return await _read(connection)


async def sale_obstacles(database: Database) -> Sequence[str]:
    """Return why nothing would be sold for now; raise MissingConfigError if there is no configuration."""
    async with database.connection() as connection:
        return await close_requests.obstacles(connection, await _read(connection))


async def change(
    database: Database,
    changes: Mapping[str, object],
    *,
    changed_by: str,
    request_id: str | None = None,
    confirmation: str | None = None,
    read_at: datetime | None = None,
) -> TradeConfig:
    """Set the fields in *changes* (text is parsed).

    Raises RefusedChangeError naming the invalid one, and StaleConfigError if the configuration was changed since the
    version whose `updated_at` is *read_at* (None: any).
    """
    async with database.transaction() as connection:
        current = await _locked(connection)
        if read_at is not None and read_at != current.updated_at:
            raise StaleConfigError(await _read(connection))
        after = operator_changes.apply_changes(current.controls, changes, confirmation=confirmation, now=current.now)
        if after != current.controls:
            await config_store.write(connection, current.controls, after, Author(changed_by, request_id))
        return await _read(connection)


async def halt(
    database: Database, reason: str, *, changed_by: str, request_id: str | None = None, exits: bool = False
) -> TradeConfig:
    """Stop purchases, and with *exits* sales too, until `resume`. A repeated halt is recorded, too."""
    async with database.transaction() as connection:
        current = await _locked(connection)
        after = operator_changes.with_halt(current.controls, reason, exits=exits)
        await _halt(connection, current.controls, after, Author(changed_by, request_id), "halt")
        return await _read(connection)


async def halt_and_sell(
    database: Database, reason: str, *, changed_by: str, request_id: str | None = None
) -> HaltAndSellResult:
    """Stop purchases and request the sale of everything held, in one transaction.

    Purchases in progress are sold as well, until `resume`.
    """
    async with database.transaction() as connection:
        current = await _locked(connection)
        after = operator_changes.with_halt_and_sale(current.controls, reason)
        await _halt(connection, current.controls, after, Author(changed_by, request_id), "halt_and_close")
        positions = await close_requests.request_all(connection, requested_by=changed_by)
        config = await _read(connection)
        return HaltAndSellResult(config, positions, await close_requests.obstacles(connection, config))


async def resume(database: Database, *, changed_by: str, request_id: str | None = None) -> TradeConfig:
    """Allow trading again, within the limits; also lift the executor's halts.

    Positions of an unfinished sale of everything remain to be sold.
    """
    async with database.transaction() as connection:
        current = await _locked(connection)
        if current.controls.selling_all:
            await close_requests.request_all(connection, requested_by=changed_by)
        after = operator_changes.with_resume(current.controls)
        await config_store.write(connection, current.controls, after, Author(changed_by, request_id))
        await connection.execute(LIFT)
        return await _read(connection)


async def _halt(
    connection: Connection, before: Controls, after: Controls, author: Author, kind: actions.ActionKind
) -> None:
    if after != before:
        await config_store.write(connection, before, after, author)
    # While everything is being sold, either halt changes only the reason.
    if after == before or (before.selling_all and after.selling_all):
        await actions.record(connection, kind, author, details={"reason": after.halted_reason})


async def _locked(connection: Connection) -> LockedConfig:
    current = await config_store.lock_config(connection)
    if current is None:
        raise MissingConfigError
    return current


async def _read(connection: Connection) -> TradeConfig:
    row = await connection.fetchrow(config_store.READ)
    if row is None:
        raise MissingConfigError
    ladder = controls_from_row(dict(row)).take_profit_ladder
    return TradeConfig.model_validate({**row, "take_profit_ladder": ladder, "halts": await halts_in_force(connection)})
