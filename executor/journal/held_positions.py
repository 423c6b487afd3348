"""Held positions: each is read by itself, and its stop's reference and peak are kept."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from asyncpg import Record

from executor.journal import settlement
from executor.journal.order_row import position_of
from executor.model import ExitReason, Position, PositionState, Sale, WatchedPosition
from shared.control import exit_policy
from shared.postgres.database import Database
from shared.states import AT_LARGE, in_sql
from shared.states import HELD as POSITIONS_HELD

# What an operator asked for counts until the position is closed. The last sale says why nothing was sold. One that is
# at large may be older than that, where another was tried beside it. The last that got rid of a part, unless it was
# itself one of the rest, says for how much the rest is to be sold. When to sell is read with it: a change counts from
# the next look on. A write-off counts for the coins that were known by then: not for those that a purchase was found to
# have got since, by the database's clock. A request to sell counts for them, too.
HELD: Final = f"""
SELECT
    positions.*, given_up.reason AS write_off,
    close_requests.listing_key IS NOT NULL OR coalesce(config.selling_all, false) AS close_requested,
    {", ".join(f"config.{name}" for name in exit_policy.FIELDS)}, own.after AS own_exits,
    last.sequence AS sale_sequence, last.state AS sale_state, last.error_reason AS sale_reason,
    at_large.sequence AS at_large_sequence, at_large.state AS at_large_state,
    begun.exit_reason AS begun_by, begun.price_min AS begun_floor, coalesce(beside.quantity, 0) AS given_up_qty
FROM positions
LEFT JOIN close_requests USING (listing_key, mode)
LEFT JOIN trade_config AS config ON config.id = 1
LEFT JOIN LATERAL (
    SELECT reason FROM write_offs
    WHERE write_offs.listing_key = positions.listing_key AND write_offs.mode = positions.mode AND NOT EXISTS (
        SELECT FROM orders LEFT JOIN order_attempts AS earlier USING (client_order_id)
        WHERE orders.listing_key = positions.listing_key AND orders.mode = positions.mode AND side = 'BUY'
            AND write_offs.created_at <= greatest(
                earlier.appeared_at, CASE WHEN orders.executed_qty > 0 THEN orders.updated_at END
            )
    )
    ORDER BY id LIMIT 1
) AS given_up ON true
LEFT JOIN LATERAL (
    SELECT after FROM position_exits
    WHERE position_exits.listing_key = positions.listing_key AND position_exits.mode = positions.mode
    ORDER BY revision DESC LIMIT 1
) AS own ON true
LEFT JOIN LATERAL (
    SELECT sequence, state, error_reason FROM orders
    WHERE orders.listing_key = positions.listing_key AND orders.mode = positions.mode AND side = 'SELL'
    ORDER BY sequence DESC LIMIT 1
) AS last ON positions.sales > 0
LEFT JOIN LATERAL (
    SELECT sequence, state FROM orders
    WHERE orders.listing_key = positions.listing_key AND orders.mode = positions.mode AND side = 'SELL'
        AND orders.state IN {in_sql(AT_LARGE)}
    ORDER BY sequence DESC LIMIT 1
) AS at_large ON positions.state = 'closing'
LEFT JOIN LATERAL (
    SELECT exit_reason, price_min FROM orders
    WHERE orders.listing_key = positions.listing_key AND orders.mode = positions.mode AND side = 'SELL'
        AND executed_qty > 0 AND exit_reason <> 'remainder'
    ORDER BY sequence DESC LIMIT 1
) AS begun ON positions.received_usdt > 0
LEFT JOIN LATERAL (
    SELECT sum(others.base_qty) AS quantity FROM positions AS others
    WHERE positions.state = 'closing' AND others.mode = positions.mode AND others.base_asset = positions.base_asset
        AND others.state = 'written_off' AND others.written_off_from IS DISTINCT FROM 'external'
) AS beside ON true
WHERE positions.state IN {in_sql(POSITIONS_HELD)}
ORDER BY positions.opened_at
"""  # noqa: S608 - constants
# The first look sets the reference of the stop; the peak that it replaces was only ever paid, never bid.
LEARN: Final = """
UPDATE positions SET
    peak_price = CASE
        WHEN stop_reference IS NULL AND peak_price <= average_price THEN $4 ELSE greatest(peak_price, $4)
    END,
    stop_reference = CASE WHEN $3::numeric IS NULL THEN stop_reference ELSE greatest(stop_reference, $3) END,
    updated_at = now()
WHERE listing_key = $1 AND mode = $2
"""
MARK: Final = """
UPDATE positions SET state = $3::varchar, note = $4, updated_at = now()
WHERE listing_key = $1 AND mode = $2 AND state = $5
RETURNING true
"""
# Null where an order may have bought more that was not read yet. Written-off coins may still be there.
HELD_LIVE: Final = f"""
SELECT base_asset, CASE WHEN bool_and(base_qty IS NOT NULL) THEN sum(base_qty) END AS held
FROM (
    SELECT base_asset, base_qty FROM positions
    WHERE mode = 'live' AND state IN {in_sql((*POSITIONS_HELD, PositionState.WRITTEN_OFF))}
    UNION ALL
    SELECT base_asset, NULL FROM orders
    WHERE mode = 'live' AND side = 'BUY' AND state IN {in_sql(AT_LARGE)}
) AS holdings
GROUP BY base_asset
"""  # noqa: S608 - constants


class Reading(NamedTuple):
    held: Sequence[WatchedPosition]
    unreadable: Mapping[str, str]
    """Positions whose rows make no sense to this version, by name, and why."""


async def held(database: Database) -> Sequence[WatchedPosition]:
    """Return all positions that are not closed, oldest first."""
    return (await read_held(database)).held


async def read_held(database: Database) -> Reading:
    """Return all positions that are not closed, oldest first; a row that cannot be read is set aside."""
    async with database.connection() as connection:
        rows = await connection.fetch(HELD)
    readable, unreadable = [], dict[str, str]()
    for row in rows:
        try:
            readable.append(_held_of(row))
        except Exception as error:  # noqa: BLE001 - a newer version wrote it, or worse; the others can be read
            unreadable[f"{row['listing_key']} {row['mode']}"] = repr(error)
    return Reading(readable, unreadable)


def _held_of(row: Record) -> WatchedPosition:
    last_sale = None
    if row["sale_sequence"] is not None:
        last_sale = Sale(row["sale_sequence"], row["sale_state"], row["sale_reason"] or "")
    at_large = None
    if row["at_large_sequence"] is not None:
        at_large = Sale(row["at_large_sequence"], row["at_large_state"])
    begun_by = None if row["begun_by"] is None else ExitReason(row["begun_by"])
    floor = row["begun_floor"] if begun_by is ExitReason.TAKE_PROFIT else None
    configured = {name: row[name] for name in exit_policy.FIELDS}
    policy, unreadable = exit_policy.effective_policy(configured, row["own_exits"] or {})
    return WatchedPosition(
        position_of(row),
        row["close_requested"],
        row["write_off"],
        last_sale,
        at_large,
        floor,
        begun_by,
        row["given_up_qty"],
        policy,
        unreadable,
    )


async def learn(database: Database, position: Position, reference: Decimal | None, peak: Decimal) -> None:
    """Remember the reference of the stop of *position*, unless None, and its highest price so far."""
    async with database.connection() as connection:
        await connection.execute(LEARN, position.listing.key, position.mode, reference, peak)


async def mark(database: Database, position: Position, state: PositionState, note: str = "") -> bool:
    """Let *position* be in *state* from now on, unless it is no longer in the one that was known."""
    async with database.connection() as connection:
        key, mode = position.listing.key, position.mode
        return bool(await connection.fetchval(MARK, key, mode, state, note, position.state))


async def write_off(database: Database, position: Position, now: datetime) -> bool:
    """Give *position* up as lost, which frees its cost; return whether that could be done."""
    async with database.transaction() as connection:
        return await settlement.write_off(connection, position, now)


def held_by_others(each: WatchedPosition, everything: Iterable[WatchedPosition]) -> Decimal:
    """Return how much of the coin of *each* other positions of its mode explain, written-off ones included.

    Those whose coins are known to be gone explain none.
    """
    mine = each.position
    quantities = (
        other.position.base_qty
        for other in everything
        if other.name != each.name
        and (other.position.mode, other.position.listing.base_asset) == (mine.mode, mine.listing.base_asset)
        and other.position.state is not PositionState.EXTERNAL
    )
    return sum(quantities, each.given_up)


async def held_live(database: Database) -> Mapping[str, Decimal | None]:
    """Return how much of each asset the live positions explain; None where an unsettled order may explain any."""
    async with database.connection() as connection:
        return {row["base_asset"]: row["held"] for row in await connection.fetch(HELD_LIVE)}
