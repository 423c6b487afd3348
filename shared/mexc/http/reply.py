"""Read one HTTP/1.1 reply: at once when it is plain and whole, through h11 when it is anything else."""

import re
from dataclasses import dataclass
from typing import Final

import h11

_PLAIN: Final = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [\t\x20-\x7e]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)+)\r\n"
)
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")
_BODILESS: Final = frozenset({204, 304})
# h11 only reads here: this request decides nothing but that a reply is due.
_ASKED: Final = h11.Request(method="POST", target="/", headers=[("Host", "exchange"), ("Content-Length", "0")])

Headers = dict[bytes, bytes]


class ReplyError(Exception):
    """The bytes are not a reply we accept."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply. Header names are lowercase."""

    status: int
    headers: Headers
    body: bytes
    keep_alive: bool
    """Whether another request may follow on the same connection."""


def plain_reply(received: bytes) -> Reply | None:
    """The reply, if *received* is exactly one whole reply framed by nothing but a Content-Length; else None."""
    head = _PLAIN.match(received)
    if head is None:
        return None
    pairs = [line.split(b":", 1) for line in head[2].split(b"\r\n")[:-1]]
    headers = {name.lower(): value.strip(b" \t") for name, value in pairs}
    if len(headers) != len(pairs):  # A header that is repeated could frame the reply in two ways.
        return None
    status, length = int(head[1]), headers.get(b"content-length", b"")
    if status in _BODILESS or b"transfer-encoding" in headers or not _LENGTH.fullmatch(length):
        return None
    if len(received) - head.end() != int(length):
        return None
    keep_alive = headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
    return Reply(status, headers, received[head.end() :], keep_alive)


class ReplyReader:
    """Collects the bytes of one reply to a POST."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes_received = 0
        self._http: h11.Connection | None = None
        self._response: h11.Response | None = None
        self._body = bytearray()

    def feed(self, received: bytes) -> Reply | None:
        """Take bytes in, or b"" for the end of the stream; return the reply once whole, or raise ReplyError."""
        self._bytes_received += len(received)
        if self._bytes_received > self._bytes_max:
            raise ReplyError(f"the reply is larger than {self._bytes_max} bytes")
        if self._http is None:
            if reply := plain_reply(received):
                return reply
            self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=self._bytes_max)
            self._http.send(_ASKED)
            self._http.send(h11.EndOfMessage())
        try:
            self._http.receive_data(received)
            return self._advance(self._http)
        except h11.RemoteProtocolError:
            # h11 quotes unreadable bytes, and a confused server may echo the request with its key.
            raise ReplyError("the reply is not whole, correct HTTP/1.1") from None

    def _advance(self, http: h11.Connection) -> Reply | None:
        while True:
            match http.next_event():
                case h11.Response() as response:
                    self._response = response
                case h11.Data(data=data):
                    self._body += data
                case h11.EndOfMessage():
                    return self._whole(http)
                case h11.InformationalResponse():
                    continue
                case _:
                    return None

    def _whole(self, http: h11.Connection) -> Reply:
        if self._response is None:
            raise ReplyError("the reply ended before it began")
        keep_alive = http.their_state is h11.DONE and not http.trailing_data[0]
        return Reply(self._response.status_code, dict(self._response.headers), bytes(self._body), keep_alive)
