"""Open connections of the server, for faults that break one."""

import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState


class Server(uvicorn.Server):
    """Uvicorn that shares its connections, reports when it listens, and leaves signal handling to its caller."""

    def __init__(self, config: uvicorn.Config, state: ServerState, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = state
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def reset(state: ServerState, client: tuple[str, int] | None) -> None:
    """Abort the connection of *client* (TCP reset)."""
    for connection in _of(state, client):
        connection.transport.abort()


def write(state: ServerState, client: tuple[str, int] | None, answer: bytes) -> None:
    """Send *client* raw bytes and close the connection."""
    for connection in _of(state, client):
        connection.transport.write(answer)
        connection.transport.close()


def _of(state: ServerState, client: tuple[str, int] | None) -> list[H11Protocol | WebSocketsSansIOProtocol]:
    return [
        each
        for each in list(state.connections)
        if isinstance(each, H11Protocol | WebSocketsSansIOProtocol) and each.client == client
    ]
