"""As much of HTTP/1.1 as the benchmarks speak. Pure."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    symbol: str
    """The parameter of that name, or nothing."""
    body_bytes: int


def parse_head(head: bytes) -> Request:
    """Read a request up to its empty line."""
    first, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    lengths = [int(field.partition(":")[2]) for field in fields if field.lower().startswith("content-length:")]
    return Request(method, parts.path, parse_qs(parts.query).get("symbol", [""])[0], sum(lengths))


def answer(body: bytes) -> bytes:
    """Return a whole 200 answer with *body*, which is JSON."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def post(path: str, host: str) -> bytes:
    """Return a whole POST without a body."""
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode()
