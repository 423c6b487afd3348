"""Changes of trade_config that operators decide on: each is checked, and recorded with who made it."""

from collections.abc import Callable, Mapping, Sequence
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

# Whatever the executor has latched is older from now on, also where a clock stepped back.
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
class SellingAll:
    """What a halt that sells everything came to."""

    config: TradeConfig
    positions: Sequence[str]
    """The names of what was held then; what purchases under way still buy is sold, too."""

    def told(self) -> str:
        """Say what becomes of it."""
        if not self.positions:
            return "purchases are halted; nothing is held"
        said = f"purchases are halted, and the executor is asked to sell {', '.join(self.positions)}"
        return f"{said}; {close_requests.HALTED}" if close_requests.sales_are_halted(self.config) else said


async def read(database: Database) -> TradeConfig:
    """Return the configuration; raise MissingConfigError where there is none."""
    async with database.connection() as connection:
        return await _read(connection)


async def change(
    database: Database,
    changes: Mapping[str, object],
    *,
    changed_by: str,
    request_id: str | None = None,
    confirmation: str | None = None,
    read_at: datetime | None = None,
) -> TradeConfig:
    """Set the fields in *changes* (text is understood).

    Raises RefusedChangeError naming the one that does not fit, and StaleConfigError where the configuration was
    changed since the version whose `updated_at` is *read_at* (None: any).
    """

    def decide(stands: LockedConfig) -> Controls:
        return operator_changes.changed(stands.controls, changes, confirmation=confirmation, now=stands.now)

    return await _decide(database, decide, Author(changed_by, request_id), read_at)


async def halt(
    database: Database, reason: str, *, changed_by: str, request_id: str | None = None, exits: bool = False
) -> TradeConfig:
    """Stop purchases, and *exits* too, until `resume`. Who halts what is halted is recorded all the same."""
    async with database.transaction() as connection:
        stands = await _locked(connection)
        after = operator_changes.halted(stands.controls, reason, exits=exits)
        await _halt(connection, stands.controls, after, Author(changed_by, request_id), "halt")
        return await _read(connection)


async def halt_and_sell(
    database: Database, reason: str, *, changed_by: str, request_id: str | None = None
) -> SellingAll:
    """Stop purchases and have everything sold that is held, in one transaction: neither happens without the other.

    What purchases under way still buy is sold as well, until `resume`.
    """
    async with database.transaction() as connection:
        stands = await _locked(connection)
        after = operator_changes.halted_and_selling(stands.controls, reason)
        await _halt(connection, stands.controls, after, Author(changed_by, request_id), "halt_and_close")
        positions = await close_requests.request_all(connection, requested_by=changed_by)
        return SellingAll(await _read(connection), positions)


async def resume(database: Database, *, changed_by: str, request_id: str | None = None) -> TradeConfig:
    """Allow trading again, within the limits; lift also what the executor has latched.

    What was to be sold as a whole and is not sold yet remains to be sold.
    """
    async with database.transaction() as connection:
        stands = await _locked(connection)
        if stands.controls.selling_all:
            await close_requests.request_all(connection, requested_by=changed_by)
        after = operator_changes.resumed(stands.controls)
        await config_store.write(connection, stands.controls, after, Author(changed_by, request_id))
        await connection.execute(LIFT)
        return await _read(connection)


async def _halt(
    connection: Connection, before: Controls, after: Controls, author: Author, kind: actions.ActionKind
) -> None:
    if after != before:
        await config_store.write(connection, before, after, author)
    # While everything is being sold both halts change the reason alone.
    if after == before or (before.selling_all and after.selling_all):
        await actions.record(connection, kind, author, details={"reason": after.halted_reason})


async def _decide(
    database: Database, decide: Callable[[LockedConfig], Controls], author: Author, read_at: datetime | None = None
) -> TradeConfig:
    async with database.transaction() as connection:
        stands = await _locked(connection)
        if read_at is not None and read_at != stands.updated_at:
            raise StaleConfigError(await _read(connection))
        after = decide(stands)
        if after != stands.controls:
            await config_store.write(connection, stands.controls, after, author)
        return await _read(connection)


async def _locked(connection: Connection) -> LockedConfig:
    stands = await config_store.lock_config(connection)
    if stands is None:
        raise MissingConfigError
    return stands


async def _read(connection: Connection) -> TradeConfig:
    row = await connection.fetchrow(config_store.READ)
    if row is None:
        raise MissingConfigError
    ladder = controls_from_row(dict(row)).take_profit_ladder
    return TradeConfig.model_validate({**row, "take_profit_ladder": ladder, "halts": await halts_in_force(connection)})
