"""Connection to RabbitMQ that reconnects with back-off, and declares the topology."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Never

import structlog
from aio_pika.abc import AbstractConnection

from shared.bus.rabbitmq.client_errors import AWAY, CLOSE_SECONDS, away_is_transient, run_shielded
from shared.bus.rabbitmq.dialling import connection_to, tls_context, url_of
from shared.bus.rabbitmq.topology_declarer import TopologyDeclarer
from shared.errors import jittered, pause
from shared.settings import BrokerSettings

log = structlog.get_logger()

RETRY_SECONDS_MAX: Final = 30.0
LOG_SECONDS: Final = 60.0
DECLARE_CALLS: Final = 4
"""Timeout of declaring the topology, in multiples of the call timeout."""

MISSING_SECONDS: Final = 0.5
"""Least time that a missing queue stays missing.

RabbitMQ 3.10 cancels consumers of a deleted queue, unless it exists again by then: it then keeps them, and never
delivers anything to them.
"""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    url: str
    name: str
    """Shown in the management UI."""
    heartbeat_seconds: int
    timeout_seconds: float
    """Of one call to the broker."""
    ssl_context: ssl.SSLContext | None = None
    """Trust with `amqps`; None for the system's certificate authorities."""

    @classmethod
    def of(cls, settings: BrokerSettings, name: str) -> "ConnectionOptions":
        """Return the options of a connection called *name*; raise SettingsError."""
        url, heartbeat, timeout = url_of(settings), settings.heartbeat_seconds, settings.publish_timeout_seconds
        return cls(url, name, heartbeat, timeout, tls_context(url, settings.ca_file))


class ReconnectingConnection:
    """Keeps one connection up while `keep_connected` runs.

    aio-pika's robust connections restore what they declared themselves and wait for the rest. A broker that lost
    everything also needs what another process or an operator had declared, so this one starts over instead.
    """

    def __init__(self, options: ConnectionOptions, declarer: TopologyDeclarer) -> None:
        self._options = options
        self._declarer = declarer
        self._up = asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._something_missing = asyncio.Event()
        self._lost: asyncio.Event | None = None
        self._logged_at = float("-inf")

    @property
    def name(self) -> str:
        return self._options.name

    def is_up(self) -> bool:
        return self._connection is not None

    async def opened(self) -> AbstractConnection:
        """Return the open connection; wait for it without a limit."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    async def declare(self) -> None:
        """Declare what is missing of the topology."""
        await self._declarer.declare(await self.opened())

    def declare_soon(self) -> None:
        """Declare what is missing of the topology, once consumers have had time to be cancelled."""
        self._something_missing.set()

    def doubt(self, connection: AbstractConnection) -> None:
        """Close *connection*, and make another: it carries nothing any more."""
        if self._connection is connection and self._lost is not None:
            log.warning("the broker does not answer, connecting anew", connection=self.name)
            self._lost.set()
            self._something_missing.set()

    async def keep_connected(self) -> Never:
        """Connect, and reconnect with back-off, until cancelled."""
        failures = 0
        while True:
            try:
                with away_is_transient():
                    await self._stay_connected()
                failures = 0
                log.warning("broker connection lost", connection=self._options.name)
            except Exception as error:  # noqa: BLE001 - whatever the error, a service without its broker has to retry
                failures += 1
                now = asyncio.get_running_loop().time()
                if now - self._logged_at >= LOG_SECONDS:
                    self._logged_at = now
                    log.warning("broker away, trying on", connection=self._options.name, reason=str(error))
            await asyncio.sleep(jittered(failures, max_seconds=RETRY_SECONDS_MAX))

    async def _stay_connected(self) -> None:
        lost = asyncio.Event()
        async with self._connected(lost) as connection:
            await self._declare_on(connection)
            self._something_missing.clear()
            log.info("broker connected", connection=self.name)
            self._connection, self._lost = connection, lost
            self._up.set()
            try:
                while not lost.is_set():
                    await self._something_missing.wait()
                    self._something_missing.clear()
                    await pause(MISSING_SECONDS, lost)
                    if not lost.is_set():
                        await self._declare_on(connection)
            finally:
                self._connection = None
                self._up.clear()

    async def _declare_on(self, connection: AbstractConnection) -> None:
        seconds = DECLARE_CALLS * self._options.timeout_seconds
        await run_shielded(self._declarer.declare(connection), seconds=seconds)

    @asynccontextmanager
    async def _connected(self, lost: asyncio.Event) -> AsyncIterator[AbstractConnection]:
        options = self._options
        connection = connection_to(
            options.url, name=options.name, heartbeat_seconds=options.heartbeat_seconds, ssl_context=options.ssl_context
        )

        def on_close(*_: object) -> None:
            lost.set()
            self._something_missing.set()

        connection.close_callbacks.add(on_close)
        try:
            await run_shielded(connection.connect(), seconds=options.timeout_seconds)
            yield connection
        finally:
            with suppress(*AWAY):
                await run_shielded(connection.close(), seconds=CLOSE_SECONDS)
