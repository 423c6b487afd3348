"""Readiness of a broker: its AMQP listener and its management API both answer."""

import socket
import time
from collections.abc import Callable

import httpx

from tests.servers.choice import ServerUnavailableError
from tests.servers.rabbitmq import RabbitMQServer

_START_SECONDS = 50
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


def wait_until_ready(server: RabbitMQServer, host: str, port: int, *, has_ended: Callable[[], bool]) -> None:
    """Poll until both answer.

    Raises:
        ServerUnavailableError: when *has_ended* says there is nothing to wait for, or at the deadline.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not (_amqp_answers(host, port) and _management_answers(server)):
        if has_ended():
            raise ServerUnavailableError("RabbitMQ ended while starting.")
        if time.monotonic() > deadline:
            raise ServerUnavailableError(f"RabbitMQ did not answer within {_START_SECONDS} s of its start.")
        time.sleep(0.05)


def _amqp_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return connection.recv(1) == _METHOD_FRAME
    except OSError:
        return False


def _management_answers(server: RabbitMQServer) -> bool:
    try:
        with server.management() as api:
            return api.get("/api/whoami").is_success
    except httpx.TransportError:
        return False
