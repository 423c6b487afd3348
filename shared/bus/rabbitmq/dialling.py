"""Connections to a broker, for the bus and for commands with a connection of their own."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection
from yarl import URL

from shared import tls
from shared.bus.rabbitmq.error_meanings import AUTHORITY, VARIABLE
from shared.errors import SettingsError
from shared.settings import BrokerSettings

AMQPS_PORT: Final = 5671


def new_connection(settings: BrokerSettings, name: str) -> AbstractConnection:
    """Return an unopened connection, shown as *name* on the broker.

    Raises SettingsError where there is no broker, or the CA file is unusable.
    """
    url = url_of(settings)
    ssl_context = tls_context(url, settings.ca_file)
    return connection_to(url, name=name, heartbeat_seconds=settings.heartbeat_seconds, ssl_context=ssl_context)


def connection_to(
    url: str, *, name: str, heartbeat_seconds: int, ssl_context: ssl.SSLContext | None
) -> AbstractConnection:
    """Return an unopened connection; without *ssl_context*, the system's certificate authorities are trusted."""
    return aio_pika.Connection(
        URL(url).update_query(heartbeat=heartbeat_seconds),
        client_properties={"connection_name": name},
        ssl_context=ssl_context,
    )


async def certificate_expiry(settings: BrokerSettings) -> float | None:
    """Return the Unix time at which the certificate ends that the broker shows now; None without TLS.

    Raises OSError, also for a certificate that is refused, or SettingsError.
    """
    url = URL(url_of(settings))
    if url.scheme != "amqps":
        return None
    context = tls_context(str(url), settings.ca_file) or ssl.create_default_context()
    # The broker takes a connection without a byte of AMQP for the check of a load balancer.
    _, writer = await asyncio.open_connection(url.host, url.port or AMQPS_PORT, ssl=context)
    try:
        return tls.expiry_of(writer.get_extra_info("peercert"))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def url_of(settings: BrokerSettings) -> str:
    """Return the broker's URL; raise SettingsError where there is none."""
    if settings.url is None:
        raise SettingsError(f"{VARIABLE}: is missing")
    return settings.url.get_secret_value()


def tls_context(url: str, authority: Path | None) -> ssl.SSLContext | None:
    """Return the TLS context for `amqps`; None for the system's certificate authorities. Raises SettingsError."""
    if authority is None:
        return None
    if not url.startswith("amqps://"):
        raise SettingsError(f"{AUTHORITY}: nothing is encrypted with amqp://: write amqps:// in {VARIABLE}")
    return tls.trusting(authority, variable=AUTHORITY)
