"""Free loopback ports."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below what kernels hand out to clients, so that no outgoing connection takes the port before the server does.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """*count* different ports that could be bound a moment ago."""
    candidates = random.SystemRandom().sample(_RANGE, len(_RANGE))
    free = (port for port in candidates if _can_bind(port))
    return [next(free) for _ in range(count)]


def accepts_connections(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
