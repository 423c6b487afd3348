"""The floor of the API: a FastAPI endpoint that returns bytes from memory, served by a default uvicorn."""

import argparse
import socket

import uvicorn
from fastapi import FastAPI, Response

from bench.floor.messaging import print_ready


async def endpoint(options: argparse.Namespace) -> None:
    """Answer GET /listings on the given port with the given bytes."""
    body: bytes = options.body
    app = FastAPI()

    @app.get("/listings")
    async def get_listings() -> Response:
        return Response(body, media_type="application/json")

    config = uvicorn.Config(app, host="127.0.0.1", port=options.port, log_level="critical", lifespan="off")
    await _Announced(config).serve()


class _Announced(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print_ready()
