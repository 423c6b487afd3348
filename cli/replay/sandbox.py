"""Sandbox of a replay: a database and a broker, checked to be empty and not in use."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from cli import process
from cli.database import schema
from cli.process import ProcessSettings
from cli.replay.same_server import is_same_server
from shared.bus.rabbitmq.inspection import inspecting
from shared.errors import SettingsError
from shared.postgres import database
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import BrokerSettings, DatabaseSettings, DataSettings, ExchangeSettings, TelemetrySettings, load
from shared.wire.topology import NOTIFYING, SNIPER

S = TypeVar("S", BrokerSettings, DatabaseSettings)
ANYTHING: Final = """
    SELECT string_agg(relname, ', ' ORDER BY relname) FROM (
        SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
        ORDER BY relname LIMIT 3
    ) AS found
"""


def require_not_live(database_url: str | None, broker_url: str | None) -> None:
    """Raise SettingsError if either may be that of a live system."""
    if load(ExchangeSettings).live:
        raise SettingsError("SNIPER_LIVE: must not be set for a replay")
    for option, given, variable, settings in (
        ("--database", database_url, "SNIPER_DATABASE_URL", load(DatabaseSettings).url),
        ("--broker", broker_url, "SNIPER_BROKER_URL", load(BrokerSettings).url),
    ):
        if given is not None and settings is not None and is_same_server(given, settings.get_secret_value()):
            raise SettingsError(f"{option}: is {variable}, which a replay must not touch: name one that is empty")


@asynccontextmanager
async def sandbox(database_url: str | None, broker_url: str | None) -> AsyncIterator[Runtime]:
    """Yield an empty database and bus: those at these URLs, or temporary ones of our own.

    Raises SettingsError if one is not empty.
    """
    require_not_live(database_url, broker_url)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sniper-replay-")))
        settings = ProcessSettings(
            broker=broker_settings(broker_url),
            database=database_settings(database_url),
            data=DataSettings(data_dir=directory),
            telemetry=TelemetrySettings(),
        )
        if settings.broker.url is not None:
            await require_empty_broker(settings.broker)
        url = await stack.enter_async_context(process.database_url(settings))
        opened = await stack.enter_async_context(database.connect(settings.database, url, name="replay"))
        await require_empty_database(opened)
        stop = asyncio.Event()
        await schema.upgrade(opened, url, settings.database, stop)
        plan = process.ProcessPlan("replay", services=(), migrate=True)
        bus = await stack.enter_async_context(process.open_bus(settings.broker, opened, plan))
        yield Runtime(bus, opened, Telemetry(), stop)


def broker_settings(url: str | None) -> BrokerSettings:
    """Return the settings of a broker at *url*; raise SettingsError if that is invalid."""
    return _at(BrokerSettings, url, "--broker")


def database_settings(url: str | None) -> DatabaseSettings:
    """Return the settings of a database at *url*; raise SettingsError if that is invalid."""
    if url is not None:
        database.parse_url(url, variable="--database")
    return _at(DatabaseSettings, url, "--database")


def _at(kind: type[S], url: str | None, option: str) -> S:
    known = load(kind).model_dump(exclude={"url"})
    try:
        return kind.model_validate({**known, "url": url})
    except ValidationError as error:
        raise SettingsError(f"{option}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


async def require_empty_database(opened: Database) -> None:
    """Raise SettingsError if the database has any table."""
    async with opened.connection() as connection:
        found: str | None = await connection.fetchval(ANYTHING)
    if found:
        raise SettingsError(f"--database: holds something already ({found}, for one): name one that is empty")


async def require_empty_broker(settings: BrokerSettings) -> None:
    """Raise SettingsError if the virtual host has any of our exchanges or queues."""
    async with inspecting(settings) as broker:
        missing = set(await broker.missing(NOTIFYING))
    ours = [f"exchange {each.name}" for each in SNIPER.exchanges] + [f"queue {each.name}" for each in NOTIFYING.queues]
    if found := [each for each in ours if each not in missing]:
        raise SettingsError(f"--broker: holds {found[0]} already: name a virtual host that is empty")
