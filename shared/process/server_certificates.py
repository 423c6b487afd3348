"""Expiry of the certificates of broker and database, read every hour from a connection of its own.

The connections in use may be older than a renewal, and would show the certificate before it for as long as they last.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Never

import structlog
from prometheus_client import CollectorRegistry, Gauge

from shared.errors import in_a_line

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
READ_SECONDS_MAX: Final = 10.0

ReadExpiry = Callable[[], Awaitable[float | None]]
"""Returns the Unix time at which the certificate of a server ends; None where it shows none that is checked."""


class ServerCertificates:
    """Gauge of the expiry by server; a server without TLS has no sample."""

    def __init__(self, servers: Mapping[str, ReadExpiry], registry: CollectorRegistry) -> None:
        self._servers = servers
        self._expiry = Gauge(
            "sniper_server_certificate_expiry_timestamp_seconds",
            "When the certificate ends by which the broker or the database was last seen to prove itself.",
            ["server"],
            registry=registry,
        )

    async def read(self) -> None:
        """Read each certificate once; the last figure stays where a server cannot be reached."""
        for server, read_expiry in self._servers.items():
            try:
                async with asyncio.timeout(READ_SECONDS_MAX):
                    expiry = await read_expiry()
            except Exception as error:  # noqa: BLE001 - whoever needs the server reports that it is away
                log.debug("the certificate of a server was not read", server=server, reason=in_a_line(error))
                continue
            if expiry is not None:
                self._expiry.labels(server).set(expiry)

    async def run(self) -> Never:
        """Read them every hour, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def watching_certificates(servers: Mapping[str, ReadExpiry], registry: CollectorRegistry) -> AsyncIterator[None]:
    """Show the expiry of the certificates of *servers* during the block."""
    reading = asyncio.create_task(ServerCertificates(servers, registry).run(), name="server-certificates")
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait([reading])
