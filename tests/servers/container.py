"""A RabbitMQ in a container, where a Docker engine answers."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from testcontainers.core.container import DockerContainer

from tests.servers.ports import free_ports
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.servers.readiness import wait_until_ready

_IMAGE = "rabbitmq:4.3-management"
_USERNAME = "sniper"


class RabbitMQContainer(PrivateRabbitMQ):
    """Its data is in the container, which is killed and started again but not replaced."""

    def __init__(self, container: DockerContainer, amqp: URL, management_url: str) -> None:
        super().__init__(amqp, management_url)
        self._container = container.get_wrapped_container()
        self._host, self._port = str(amqp.host), int(amqp.port or 0)

    def kill(self) -> None:
        if self._is("running") or self._is("paused"):
            self._container.kill()
            self._container.wait()

    def freeze(self) -> None:
        self._container.pause()

    def thaw(self) -> None:
        self._container.unpause()

    def restart(self) -> None:
        self.kill()
        self._container.start()
        self.wait()

    def wait(self) -> None:
        wait_until_ready(self, self._host, self._port, has_ended=lambda: self._is("exited"))

    def ctl(self, *arguments: str) -> str:
        code, output = self._container.exec_run(["rabbitmqctl", *arguments])
        assert code == 0, output
        return str(output, "utf-8")

    def _is(self, status: str) -> bool:
        self._container.reload()
        return bool(self._container.status == status)


@contextmanager
def private_container() -> Iterator[RabbitMQContainer]:
    """A new container on ports that stay the same when it is started again."""
    amqp_port, management_port = free_ports(2)
    password = secrets.token_hex(16)
    container = (
        DockerContainer(_IMAGE)
        .with_env("RABBITMQ_DEFAULT_USER", _USERNAME)
        .with_env("RABBITMQ_DEFAULT_PASS", password)
        .with_bind_ports(5672, amqp_port)
        .with_bind_ports(15672, management_port)
    )
    with container:
        host = container.get_container_host_ip()
        amqp = URL.create("amqp", _USERNAME, password, host, amqp_port, "/")
        server = RabbitMQContainer(container, amqp, f"http://{host}:{management_port}")
        server.wait()
        yield server
