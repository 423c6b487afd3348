"""HTTP requests that are signed on their way out, so that no client, error or log above ever holds a signature."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from shared.mexc.http.request import RestLimits, Transport, connect_http
from shared.mexc.http.signing import Signer

NowMs = Callable[[], int]
"""The exchange's time in milliseconds; raises ClockUncertainError where it is not known well enough."""


@dataclass(frozen=True, slots=True)
class Signing:
    """By what requests are signed."""

    signer: Signer
    now_ms: NowMs
    recv_window_ms: int


@asynccontextmanager
async def connect_signed(base_url: str, limits: RestLimits, signing: Signing) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of *base_url* whose requests are signed as they leave, with the time of then."""
    async with connect_http(
        base_url, limits, signing.signer.headers, through=lambda below: _SigningTransport(below, signing)
    ) as http:
        yield http


class _SigningTransport(httpx.AsyncBaseTransport):
    def __init__(self, below: Transport, signing: Signing) -> None:
        self._below = below
        self._signing = signing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        by = self._signing
        query = by.signer.query(request.url.params.multi_items(), recv_window_ms=by.recv_window_ms, now_ms=by.now_ms())
        # A request of its own: the client logs the URL of the one it knows.
        signed = httpx.Request(
            request.method,
            request.url.copy_with(query=query.encode("ascii")),
            headers=request.headers,
            extensions=request.extensions,
        )
        return await self._below.handle_async_request(signed)

    async def aclose(self) -> None:
        await self._below.aclose()
