"""`python -m bench.trace_collector PORT`: discards OTLP/HTTP traces, and answers GET with the number of exports."""

import itertools
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


class Collector(BaseHTTPRequestHandler):
    """Accepts every export."""

    protocol_version = "HTTP/1.1"
    exports: ClassVar = itertools.count(0)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        next(self.exports)
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(next(self.exports)).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Collector)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
