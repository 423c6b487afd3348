"""A connection that carries one request at a time."""

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from shared.mexc.http.connection import HttpConnection

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self, end: socket.socket, steps: list[bytes]) -> None:
        super().__init__({"socket": end})
        self._steps = steps

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._steps.append(bytes(data))

    def is_closing(self) -> bool:
        return False


@pytest.fixture
def end() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connected:
        yield connected


async def test_a_request_yields_its_core_as_soon_as_it_is_written_and_no_sooner(
    end: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[bytes] = []
    monkeypatch.setattr(os, "sched_yield", lambda: steps.append(b"yielded"))
    connection = HttpConnection(1000, lambda _: None)
    connection.connection_made(Wire(end, steps))
    loop = asyncio.get_running_loop()

    exchange = asyncio.create_task(connection.exchange(b"POST / HTTP/1.1\r\n\r\n", deadline=loop.time() + 5))
    await asyncio.sleep(0)

    assert steps == [b"POST / HTTP/1.1\r\n\r\n", b"yielded"]
    connection.data_received(REPLY)
    assert (await exchange).status == 200
