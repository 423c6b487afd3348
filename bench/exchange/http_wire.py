"""The subset of HTTP/1.1 used by the benchmarks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    params: Mapping[str, str]
    body_bytes: int

    @property
    def symbol(self) -> str:
        """The parameter of that name, or nothing."""
        return self.params.get("symbol", "")


def parse_head(head: bytes) -> Request:
    """Read a request up to its empty line."""
    first, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    lengths = [int(field.partition(":")[2]) for field in fields if field.lower().startswith("content-length:")]
    return Request(method, parts.path, dict(parse_qsl(parts.query)), sum(lengths))


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """Return a complete response with *body*, which is JSON."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def post(path: str, host: str) -> bytes:
    """Return a complete POST without a body."""
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode()
