"""How a broker is dialled, by the bus and by every command that has a connection of its own."""

import ssl
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractConnection
from yarl import URL

from shared import tls
from shared.bus.rabbitmq.error_meanings import AUTHORITY, VARIABLE
from shared.errors import SettingsError
from shared.settings import BrokerSettings


def new_connection(settings: BrokerSettings, name: str) -> AbstractConnection:
    """Return a connection that is yet to be made, shown as *name* on the broker.

    Raises SettingsError where there is no broker, or the authority to believe is of no use.
    """
    url = url_of(settings)
    ssl_context = tls_context(url, settings.ca_file)
    return connection_to(url, name=name, heartbeat_seconds=settings.heartbeat_seconds, ssl_context=ssl_context)


def connection_to(
    url: str, *, name: str, heartbeat_seconds: int, ssl_context: ssl.SSLContext | None
) -> AbstractConnection:
    """Return a connection that is yet to be made; without *ssl_context*, the system's authorities are."""
    return aio_pika.Connection(
        URL(url).update_query(heartbeat=heartbeat_seconds),
        client_properties={"connection_name": name},
        ssl_context=ssl_context,
    )


def url_of(settings: BrokerSettings) -> str:
    """Return where the broker is; raises SettingsError where there is none."""
    if settings.url is None:
        raise SettingsError(f"{VARIABLE}: is missing")
    return settings.url.get_secret_value()


def tls_context(url: str, authority: Path | None) -> ssl.SSLContext | None:
    """Return whom to believe with `amqps`; None: whom the system believes. Raises SettingsError."""
    if authority is None:
        return None
    if not url.startswith("amqps://"):
        raise SettingsError(f"{AUTHORITY}: nothing is encrypted with amqp://: write amqps:// in {VARIABLE}")
    return tls.trusting(authority, variable=AUTHORITY)
