"""Audit of operator actions, repeated ones too; the only writer of operator_actions."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import JsonValue

from shared.control.config_store import Author
from shared.postgres.database import Connection

ActionKind = Literal[
    "close", "write_off", "settle", "halt", "halt_and_close", "pause", "wake", "inject", "acknowledge", "exits"
]
RECORD: Final = """
    INSERT INTO operator_actions (kind, subject, details, made_by, request_id) VALUES ($1, $2, $3, $4, $5)
"""


async def record(
    connection: Connection,
    kind: ActionKind,
    author: Author,
    *,
    subject: str = "",
    details: Mapping[str, JsonValue] | None = None,
) -> None:
    """Record an action with its author, in the caller's transaction, so that nothing happens unrecorded."""
    await connection.execute(RECORD, kind, subject, dict(details or {}), author.name, author.request_id)
