"""Events from the broker's archive: RabbitMQ's stream, or the table of the embedded bus."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cli import command_runner
from shared.bus.rabbitmq.stream import read_stream
from shared.settings import BrokerSettings, load
from shared.wire.topology import ARCHIVE

READ: Final = "SELECT body FROM bus_messages WHERE queue = $1 AND published_at >= $2 ORDER BY id"
_BEGINNING: Final = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


async def archived_events(since: datetime | None) -> Sequence[bytes]:
    """Return every event of the archive from *since* on. Read-only."""
    settings = load(BrokerSettings)
    if settings.url is not None:
        return [body async for body in read_stream(settings, ARCHIVE, since)]
    async with command_runner.database() as database, database.connection() as connection:
        rows = await connection.fetch(READ, ARCHIVE.name, since or _BEGINNING)
    return [row["body"] for row in rows]
