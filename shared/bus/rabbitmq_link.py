"""One connection to RabbitMQ that is made again whenever it is lost, with the topology declared on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Never

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import AMQPError
from pamqp.exceptions import PAMQPException
from yarl import URL

from shared.backoff import jittered
from shared.bus.rabbitmq_topology import Declarer
from shared.errors import TransientError

log = structlog.get_logger()

RETRY_SECONDS_MAX: Final = 30.0
LOG_SECONDS: Final = 60.0

_AWAY: Final = (AMQPError, PAMQPException, OSError, TimeoutError, RuntimeError)


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate the many ways a broker can be away into TransientError."""
    try:
        yield
    except asyncio.CancelledError as error:
        # Calls that wait on a dying connection end in CancelledError, though nobody cancelled us.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise TransientError("broker away: the connection died during the call") from error
    except _AWAY as error:
        raise TransientError(f"broker away: {error!r}") from error


@dataclass(frozen=True, slots=True)
class LinkOptions:
    url: str
    name: str
    """Shown in the management UI."""
    heartbeat_seconds: int
    timeout_seconds: float
    """For each exchange of words with the broker; declaring the whole topology may take several."""


class Link:
    """Keeps one connection up while `keep` runs.

    aio-pika's robust connections restore what they declared themselves and wait for the rest. We also have to bring
    back, on a broker that lost everything, what another process or an operator had declared, so we start over instead.
    """

    def __init__(self, options: LinkOptions, declarer: Declarer) -> None:
        self._options = options
        self._declarer = declarer
        self._up = asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._logged_at = float("-inf")

    @property
    def name(self) -> str:
        return self._options.name

    def is_up(self) -> bool:
        return self._connection is not None

    async def connection(self) -> AbstractConnection:
        """Return the open connection, waiting for it without a limit."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    async def declare(self) -> None:
        """Bring back whatever is missing of the topology."""
        await self._declarer.declare(await self.connection())

    async def keep(self) -> Never:
        """Connect, and again whenever the connection is lost, until cancelled."""
        failures = 0
        while True:
            try:
                with away_is_transient():
                    await self._stay_connected()
                failures = 0
                log.warning("broker connection lost", connection=self._options.name)
            except Exception as error:  # noqa: BLE001 - whatever it is, a service without its broker has to try on
                failures += 1
                self._complain(error)
            await asyncio.sleep(jittered(failures, max_seconds=RETRY_SECONDS_MAX))

    async def _stay_connected(self) -> None:
        lost = asyncio.Event()
        async with self._connected() as connection:
            connection.close_callbacks.add(lambda *_: lost.set())
            async with asyncio.timeout(self._options.timeout_seconds * 4):
                await self._declarer.declare(connection)
            log.info("broker connected", connection=self._options.name)
            self._connection = connection
            self._up.set()
            try:
                await lost.wait()
            finally:
                self._connection = None
                self._up.clear()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AbstractConnection]:
        options = self._options
        connection = aio_pika.Connection(
            URL(options.url).update_query(heartbeat=options.heartbeat_seconds),
            client_properties={"connection_name": options.name},
        )
        try:
            await connection.connect(timeout=options.timeout_seconds)
            yield connection
        finally:
            with suppress(*_AWAY):
                async with asyncio.timeout(options.timeout_seconds):
                    await connection.close()

    def _complain(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("broker away, trying on", connection=self._options.name, reason=str(error))
