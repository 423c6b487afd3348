"""Servers on the loopback that take messages as the services of messengers do, and remember them."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What arrived over HTTP, and what is answered: *statuses* in turn, then 200; *answers* by the path's last word."""

    url: str = ""
    received: list[tuple[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    """How many more requests are refused, by the path's last word."""

    def texts(self) -> list[str]:
        """Return every body that was taken, as text."""
        return [body if isinstance(body, str) else json.dumps(body, ensure_ascii=False) for _, body in self.received]


@contextmanager
def http_inbox() -> Iterator[Inbox]:
    """Serve an inbox until the block ends."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            body = _decoded(text, self.headers.get("Content-Type", ""))
            word = self.path.partition("?")[0].rpartition("/")[2]
            status = inbox.statuses.pop(0) if inbox.statuses else 200
            if inbox.refused.get(word, 0) > 0:
                inbox.refused[word] -= 1
                status = 429
            if status < 300:
                inbox.received.append((self.path, body))
            answer = inbox.answers.get(word, {"ok": True})
            self._say(status, answer(body) if callable(answer) else answer)

        do_PUT = do_POST  # noqa: N815 - named by the library
        do_GET = do_POST  # noqa: N815 - the same

        def _say(self, status: int, answer: Any) -> None:
            encoded = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _decoded(body: str, content_type: str) -> Any:
    return json.loads(body) if body and "json" in content_type else body


@asynccontextmanager
async def mail_inbox() -> AsyncIterator[tuple[int, list[str]]]:
    """Serve SMTP (RFC 5321, as far as one client needs it); yield its port, and the messages that were taken."""
    messages: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip().upper():
            if line.startswith("DATA"):
                writer.write(b"354 go on\r\n")
                messages.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"221 bye\r\n" if line.startswith("QUIT") else b"250 ok\r\n")
            await writer.drain()
            if line.startswith("QUIT"):
                break
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], messages
