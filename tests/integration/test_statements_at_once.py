"""A statement leaves as it is written: an order waits for its commit, not for the rest of the event loop's turn."""

import asyncio
from typing import Any

import uvloop

from shared.postgres.dialling import write_at_once
from tests.support.running.services import open_database


def test_a_statement_is_on_its_way_before_the_turn_in_which_it_was_written_ends(database_url: str) -> None:
    async def unsent_bytes() -> int:
        async with open_database(database_url) as database, database.connection() as connection:
            transport = getattr(connection, "_transport")  # noqa: B009 - it has no public name
            unsent: list[int] = []
            asked = asyncio.create_task(connection.fetchval("SELECT 4711"))
            asyncio.get_running_loop().call_soon(lambda: unsent.append(transport.get_write_buffer_size()))
            assert await asked == 4711
            return unsent[0]

    assert uvloop.run(unsent_bytes()) == 0


class Secured:
    """A connection with TLS, whose transport bears no limit of zero bytes."""

    def __init__(self) -> None:
        self._transport = self

    def get_extra_info(self, name: str) -> Any:
        return {"sslcontext": object()}[name]


def test_a_connection_with_tls_stays_as_it_is() -> None:
    write_at_once(Secured())  # type: ignore[arg-type]
