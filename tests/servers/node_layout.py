"""Layout of a private RabbitMQ node, apart from every other: its directory, its ports, its credentials."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import LOOPBACK, free_ports


@dataclass(frozen=True)
class NodePorts:
    amqp: int
    management: int
    distribution: int
    epmd: int
    prometheus: int


@dataclass(frozen=True)
class NodeLayout:
    """One node's files and addresses; `write` puts the files there."""

    directory: Path
    ports: NodePorts = field(default_factory=lambda: NodePorts(*free_ports(5)))
    username: str = "sniper"
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    further: str = ""
    """More lines for its configuration."""
    shows_metrics: bool = False
    """Whether the plugin runs that Prometheus asks."""

    @property
    def node_name(self) -> str:
        return f"t{self.ports.amqp}@localhost"

    @property
    def console(self) -> Path:
        """What the node prints, which is why it does not start when it does not."""
        return self.directory / "console"

    def write(self) -> None:
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        plugins = ["rabbitmq_management", *(["rabbitmq_prometheus"] if self.shows_metrics else [])]
        (self.directory / "plugins").write_text(f"[{','.join(plugins)}].\n")
        (self.directory / "environment").touch()
        (self.directory / "node.conf").write_text(self._configuration())

    def environment(self) -> dict[str, str]:
        """All the node inherits: no variable of ours may lead it to the machine's own broker."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "RABBITMQ_NODENAME": self.node_name,
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "data"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "node.conf"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.directory / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "environment"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Makes the start script become the node instead of its parent, so that its end can be waited for.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _configuration(self) -> str:
        return f"""\
listeners.tcp.1 = {LOOPBACK}:{self.ports.amqp}
management.tcp.ip = {LOOPBACK}
management.tcp.port = {self.ports.management}
default_user = {self.username}
default_pass = {self.password}
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
{self.further}
{self._prometheus()}"""

    def _prometheus(self) -> str:
        """RabbitMQ refuses these settings where the plugin does not run."""
        if not self.shows_metrics:
            return ""
        return f"prometheus.tcp.ip = {LOOPBACK}\nprometheus.tcp.port = {self.ports.prometheus}\n"
