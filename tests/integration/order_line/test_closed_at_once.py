"""A peer that takes the connection and closes it before the first byte of TLS, as a proxy does that has no way on."""

import asyncio
import select
import socket
import ssl
from collections.abc import Iterator

import pytest

from shared.mexc.http.connection import Endpoint, HttpConnection, open_connection
from shared.mexc.orders import order_connection
from shared.mexc.orders.order_connection import LineLimits, OrderLine
from tests.support.fakes.loopback import answering, reply, serving

EAGER = LineLimits(reopen_seconds_min=0.01, reopen_seconds_max=0.05)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def over_tls(listener: socket.socket) -> Endpoint:
    return Endpoint("127.0.0.1", listener.getsockname()[1], ssl.create_default_context())


async def close_the_next(listener: socket.socket) -> None:
    """Close the next connection in the turn in which it begins: its end has arrived before its TLS begins."""
    async with asyncio.timeout(30):
        while not select.select([listener], [], [], 0)[0]:  # noqa: ASYNC110 - within the client's turn
            await asyncio.sleep(0)
    accepted, _ = listener.accept()
    accepted.close()


async def test_connection_closed_before_its_tls_is_an_error_of_the_network(listener: socket.socket) -> None:
    def lost(_: HttpConnection) -> None:
        pass

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(close_the_next(listener))
        with pytest.raises(OSError):  # noqa: PT011 - of which there are several, by the loop and the moment
            await open_connection(over_tls(listener), 1024, lost)


async def test_line_connects_again_after_connections_closed_before_their_tls(listener: socket.socket) -> None:
    async with OrderLine(over_tls(listener), EAGER) as line:
        for _ in range(3):
            await close_the_next(listener)
        assert not line.is_ready


async def test_line_connects_again_after_an_error_nobody_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [AttributeError("'NoneType' object has no attribute 'setsockopt'"), RuntimeError("unforeseen")]

    async def opened(*terms: object) -> HttpConnection:
        if failures:
            raise failures.pop()
        return await open_connection(*terms)  # type: ignore[arg-type]

    monkeypatch.setattr(order_connection, "open_connection", opened)
    async with serving(answering(reply())) as server, OrderLine(Endpoint.of(server.url), EAGER) as line:
        async with asyncio.timeout(30):
            await line.ready()
        assert line.is_ready
