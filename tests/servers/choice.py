"""Choice of a run's servers: those the environment names, or else those this machine can start."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

DATABASE_URL_VARIABLE = "SNIPER_TEST_DATABASE_URL"
BROKER_URL_VARIABLE = "SNIPER_TEST_BROKER_URL"
MANAGEMENT_URL_VARIABLE = "SNIPER_TEST_BROKER_MANAGEMENT_URL"
# The script of that name in sbin changes the user, and with it the home of the cookie.
NODE_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class BrokerKind(Enum):
    """How a RabbitMQ is come by; the value is what a person reads."""

    NAMED = f"the server {BROKER_URL_VARIABLE} names"
    CONTAINER = "a container of the Docker engine"
    NODE = f"a private node of {NODE_SCRIPT}"


class ServerUnavailableError(Exception):
    """A server the tests need is neither named nor to be started; the message says what to do."""


def choose_broker(env: Mapping[str, str], *, docker_answers: bool, node_installed: bool) -> BrokerKind:
    """The first of: named by the environment, Docker, the package rabbitmq-server.

    Raises:
        ServerUnavailableError: when there is none of them.
    """
    if env.get(BROKER_URL_VARIABLE):
        return BrokerKind.NAMED
    if docker_answers:
        return BrokerKind.CONTAINER
    if node_installed:
        return BrokerKind.NODE
    raise ServerUnavailableError(
        f"The tests need a RabbitMQ: set {BROKER_URL_VARIABLE} to the amqp:// address of one, start a Docker engine, "
        "or install Debian's package rabbitmq-server."
    )


def find_broker(env: Mapping[str, str]) -> BrokerKind:
    """Look at this machine and choose; Docker is queried only when no server is named."""
    named = bool(env.get(BROKER_URL_VARIABLE))
    return choose_broker(env, docker_answers=not named and docker_answers(), node_installed=node_installed())


def postgres_source(env: Mapping[str, str]) -> str:
    """Where the PostgreSQL comes from, as a person reads it; the wheel is a dependency, so there always is one."""
    if env.get(DATABASE_URL_VARIABLE):
        return f"the server {DATABASE_URL_VARIABLE} names"
    return "a private server of the installed wheel"


def node_installed() -> bool:
    return os.access(NODE_SCRIPT, os.X_OK) and shutil.which("epmd") is not None


def docker_answers() -> bool:
    """Ask in a process of its own: a client that finds no engine leaks its socket."""
    ping = [sys.executable, "-c", "import docker; docker.from_env(timeout=2).ping()"]
    try:
        return subprocess.run(ping, capture_output=True, timeout=15, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
