"""Limits on HTTP/1.1 connections: their number, and the time for a request to arrive and for an answer to be read."""

import asyncio
import re
from typing import Final

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api import error_handlers
from api.access.middleware.headers import ALWAYS
from api.error_handlers import ApiError

CONNECTIONS_MAX: Final = 200
HEAD_BYTES_MAX: Final = 16 * 1024
ARRIVAL_SECONDS_MAX: Final = 15.0
"""From the connection, or the first byte of a later request, to the last byte of the request; an idle connection in
between is closed by uvicorn."""
UNREAD_SECONDS_MAX: Final = 30.0
"""For the client to read on, once more waits for it than is buffered: an answer, or a stream it has stopped reading."""
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_CAN_ANSWER: Final = frozenset({h11.IDLE, h11.SEND_RESPONSE})


class LimitedConnection(H11Protocol):
    """uvicorn's connection, closed if a request does not arrive, or an answer is not read, in time."""

    _arrival: asyncio.TimerHandle | None = None
    unread: asyncio.TimerHandle | None = None
    """Runs while more waits to be read than is buffered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self.app = _refuse_as_full
        self._await_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._cancel_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.unread is None:
            self._watch_unread(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._cancel_unread()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_arrival()

    def handle_events(self) -> None:
        fault = head_fault(self.conn.trailing_data[0]) if self.conn.their_state is h11.IDLE else None
        if fault is None:
            super().handle_events()
        else:
            self._end(fault)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_arrival()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed; *msg* is uvicorn's."""
        self._end(ApiError(400, "bad_request", msg))

    def _watch_arrival(self) -> None:
        state = self.conn.their_state
        is_partial = state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))
        if not is_partial:
            self._arrived()
        elif self._arrival is None:
            self._await_arrival()

    def _await_arrival(self) -> None:
        self._arrival = self.loop.call_later(ARRIVAL_SECONDS_MAX, self._end_as_slow)

    def _arrived(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _watch_unread(self, left_bytes: int) -> None:
        self.unread = self.loop.call_later(UNREAD_SECONDS_MAX, self._end_unless_read, left_bytes)

    def _end_unless_read(self, before_bytes: int) -> None:
        """Cut the client off unless it has read on since *before_bytes* waited for it: slowly is no offence."""
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes < before_bytes:
            self._watch_unread(left_bytes)
        else:
            self.transport.abort()  # Closing would wait until what is buffered was read.

    def _cancel_unread(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _end_as_slow(self) -> None:
        self._arrival = None
        self._end(ApiError(408, "too_slow", f"the request took longer than {ARRIVAL_SECONDS_MAX:g} s to arrive"))

    def _end(self, error: ApiError) -> None:
        """Close the connection; answer *error* if no response has begun."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state in _CAN_ANSWER:
            answer = error_handlers.response_of(error)
            headers = [*answer.headers.items(), *ALWAYS, ("Connection", "close")]
            response = h11.Response(status_code=answer.status_code, headers=headers)
            events = (response, h11.Data(data=bytes(answer.body)), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()


def head_fault(received: bytes) -> ApiError | None:
    """Return the fault of a request's head that h11 would accept; None if there is none so far."""
    head = received.partition(b"\r\n\r\n")[0]
    if len(head) > HEAD_BYTES_MAX:
        return ApiError(431, "head_too_large", f"the head of the request is larger than {HEAD_BYTES_MAX} bytes")
    # A proxy in front may not treat a bare line feed as the end of a line.
    return ApiError(400, "bad_request", "Lines must end in CR LF.") if _BARE_LINE_FEED.search(head) else None


async def _refuse_as_full(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(error_handlers.RETRY_AFTER_SECONDS), "Connection": "close", **dict(ALWAYS)}
    error = ApiError(503, "too_many_connections", "too many connections, try again", headers=headers)
    await error_handlers.response_of(error)(scope, receive, send)
