"""Exits of single positions, set by operators instead of the configured ones; the only writer of position_exits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from api.operator import actions
from api.operator.held_positions import name_of
from api.operator.operator_changes import RefusedChangeError, refused
from api.schemas import PositionRow
from shared.control import config_store
from shared.control.config_store import Author
from shared.control.exit_policy import FIELDS, ExitOverrides, ExitPolicy, contradiction, effective_policy
from shared.errors import TransientError
from shared.postgres.database import Connection, Database
from shared.wire.cloudevents import problems

LATEST: Final = """
    SELECT revision, after FROM position_exits WHERE listing_key = $1 AND mode = $2 ORDER BY revision DESC LIMIT 1
"""
# Of two concurrent changes with the same revision one is refused, and starts over from the other's result.
ADD: Final = """
    INSERT INTO position_exits (listing_key, mode, revision, before, after, changed_by, request_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
"""
RACES_MAX: Final = 10
FOLLOW: Final = "follow"


@dataclass(frozen=True, slots=True)
class PositionExits:
    """The effective exits of a position, and those of its own."""

    own: ExitOverrides
    effective: ExitPolicy


@dataclass(frozen=True, slots=True)
class ExitChange:
    """A change of the exits of one position."""

    own: Mapping[str, object]
    """Values by field; None: no such exit."""
    follow: Collection[str] = ()
    """Fields that follow the configuration again."""


async def change(
    database: Database, position: PositionRow, wanted: ExitChange, *, changed_by: str, request_id: str | None = None
) -> PositionExits:
    """Change the exits of *position* as of the supervisor's next check; raise RefusedChangeError naming the field."""
    for _ in range(RACES_MAX):
        async with database.transaction() as connection:
            revision, before = await _latest(connection, position)
            row = await connection.fetchrow(config_store.READ)
            configured, _ = effective_policy({each: None if row is None else row[each] for each in FIELDS}, {})
            own = apply_exit_change(before, wanted, configured)
            old, new = _document(before), _document(own)
            values = (position.listing_key, position.mode, revision + 1, old, new, changed_by, request_id)
            if new == old:
                author = Author(changed_by, request_id)
                await actions.record(connection, "exits", author, subject=name_of(position))
            elif not await connection.fetchval(ADD, *values):
                continue
            return PositionExits(own, own.over(configured))
    raise TransientError(f"overtaken by other changes {RACES_MAX} times in a row")


def apply_exit_change(before: ExitOverrides, wanted: ExitChange, configured: ExitPolicy) -> ExitOverrides:
    """Apply *wanted* to *before*, given the *configured* exits; raise RefusedChangeError naming the field."""
    if not wanted.own and not wanted.follow:
        raise refused("", "nothing to change")
    unknown = sorted({*wanted.own, *wanted.follow} - set(FIELDS))
    if unknown:
        raise refused(unknown[0], f"is not one of {', '.join(FIELDS)}")
    both = sorted(wanted.own.keys() & set(wanted.follow))
    if both:
        raise refused(both[0], "is to have a value of its own, and to follow the configuration")
    own = [name for name in FIELDS if name in before.model_fields_set and name not in wanted.follow]
    kept = {name: getattr(before, name) for name in own}
    try:
        after = ExitOverrides.model_validate({**kept, **wanted.own})
    except ValidationError as error:
        raise RefusedChangeError(problems(error)) from None
    if (found := contradiction(after.over(configured))) is not None:
        raise refused(*found)
    return after


async def _latest(connection: Connection, position: PositionRow) -> tuple[int, ExitOverrides]:
    row = await connection.fetchrow(LATEST, position.listing_key, position.mode)
    if row is None:
        return 0, ExitOverrides()
    try:
        return row["revision"], ExitOverrides.model_validate(row["after"])
    except ValidationError:
        raise refused("", "its own exits were set by another version, and cannot be changed by this one") from None


def _document(exits: ExitOverrides) -> object:
    return exits.model_dump(mode="json", exclude_unset=True)


def exits_message(position: PositionRow, exits: PositionExits) -> str:
    """Return the exits of *position* in words."""
    shown, own = exits.effective.model_dump(mode="json"), exits.own.model_fields_set
    rules = [
        f"{name} {shown[name] or 'none'}{' (its own)' if name in own else ''}"
        for name in FIELDS
        if shown[name] or name in own
    ]
    return f"{name_of(position)}: {', '.join(rules) or 'no exits'}"
