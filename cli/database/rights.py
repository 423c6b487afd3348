"""Check of the rights of a process's database role against those its services need."""

from collections.abc import Iterator, Sequence
from typing import Final

from migrations.rights import RIGHTS
from migrations.roles import PREFIX
from shared.errors import TransientError
from shared.postgres.database import Database

QUERY: Final = """
    SELECT current_user AS role, array_agg(wanted.right_word || ' on ' || wanted.name ORDER BY wanted.position)
        FILTER (WHERE NOT CASE
            WHEN wanted.column_name = '' THEN has_table_privilege(wanted.name, wanted.right_word)
            ELSE has_column_privilege(wanted.name, wanted.column_name, wanted.right_word)
        END) AS missing
    FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS wanted (name, right_word, column_name, position)
"""
SHOWN_MAX: Final = 3


async def require(opened: Database, services: Sequence[str]) -> None:
    """Raise TransientError naming the rights that *services* need and the role lacks: they may be granted any time."""
    wanted = list(needed_rights(services))
    if not wanted:
        return
    async with opened.connection() as connection:
        row = await connection.fetchrow(QUERY, *map(list, zip(*wanted, strict=True)))
    if row is not None and row["missing"]:
        missing = list(dict.fromkeys(row["missing"]))
        more = f" and {len(missing) - SHOWN_MAX} more" if len(missing) > SHOWN_MAX else ""
        own = " or ".join(f"{PREFIX}{each}" for each in services)
        raise TransientError(
            f'the role "{row["role"]}" of SNIPER_DATABASE_URL lacks {", ".join(missing[:SHOWN_MAX])}{more}: sign in as '
            f"{own}, and let the owner of the tables run `sniper migrate --roles`"
        )


def needed_rights(services: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield table, right and column ('' for all) of all rights that *services* need."""
    for service in services:
        for table, rights in RIGHTS.get(service, {}).items():
            for right in rights:
                yield from ((table, right.word, column) for column in right.columns or ("",))
