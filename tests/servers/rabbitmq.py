"""A RabbitMQ and the virtual hosts made on it."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from sqlalchemy.engine import URL, make_url

from tests.servers.choice import BROKER_URL_VARIABLE, MANAGEMENT_URL_VARIABLE, ServerUnavailableError

_REQUEST_SECONDS = 30
_MANAGEMENT_PORT = 15672


class RabbitMQServer:
    """A broker we may make virtual hosts on."""

    def __init__(self, amqp: URL, management_url: str) -> None:
        """*amqp* names any virtual host; its user must be an administrator."""
        self._amqp = amqp
        self.management_url = management_url
        self.username = amqp.username or "guest"
        self.password = str(amqp.password or "guest")

    def url_for(self, vhost: str) -> str:
        return self._amqp.set(database=vhost).render_as_string(hide_password=False)

    def create_vhost(self) -> str:
        """Create an empty virtual host and return its name; its creator has every right in it."""
        vhost = f"sniper_test_{secrets.token_hex(8)}"
        with self.management() as api:
            api.put(f"/api/vhosts/{vhost}").raise_for_status()
        return vhost

    def delete_vhost(self, vhost: str) -> None:
        """Delete it with all it holds, closing any connection still open."""
        with self.management() as api:
            api.delete(f"/api/vhosts/{vhost}").raise_for_status()

    @contextmanager
    def management(self) -> Iterator[httpx.Client]:
        """A client of the management API, signed in."""
        auth = httpx.BasicAuth(self.username, self.password)
        # Loading the certificate authorities takes longer than the request, which mostly is not encrypted.
        verify = self.management_url.startswith("https:")
        with httpx.Client(
            base_url=self.management_url, auth=auth, timeout=_REQUEST_SECONDS, verify=verify, trust_env=False
        ) as api:
            yield api


class PrivateRabbitMQ(RabbitMQServer, ABC):
    """A broker of one's own, for faults."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, without a word to anybody."""

    @abstractmethod
    def freeze(self) -> None:
        """Stop answering without closing a connection, as a lost network or a stuck machine would."""

    @abstractmethod
    def thaw(self) -> None: ...

    @abstractmethod
    def restart(self) -> None:
        """Bring it back at the same address with its data, killing it first if it runs; returns when it answers."""

    @abstractmethod
    def ctl(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints, for what the management API cannot do, such as alarms; takes over a second."""


def named_rabbitmq_server(env: Mapping[str, str]) -> RabbitMQServer:
    """The server the environment names.

    Raises:
        ServerUnavailableError: when its management API does not answer; virtual hosts are made through it.
    """
    amqp = make_url(env[BROKER_URL_VARIABLE])
    url = env.get(MANAGEMENT_URL_VARIABLE) or f"http://{amqp.host}:{_MANAGEMENT_PORT}"
    server = RabbitMQServer(amqp, url)
    try:
        with server.management() as api:
            api.get("/api/whoami").raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnavailableError(
            f"The broker {BROKER_URL_VARIABLE} names does not let us into its management API ({type(error).__name__}): "
            f"set {MANAGEMENT_URL_VARIABLE} to its http:// address, and use an administrator's credentials."
        ) from None
    return server
