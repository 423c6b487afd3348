"""One bounded HTTP request that is not an order, and the meaning of an unwanted answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import httpx
import msgspec

from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.payloads import UNREADABLE, Refusal
from shared.mexc.retry_after import BANNED, LIMITED, retry_after_seconds

T = TypeVar("T")

Transport = httpx.AsyncBaseTransport
Method = Literal["GET", "DELETE", "POST", "PUT"]

Admission = Callable[[str, str], AbstractAsyncContextManager[None]]
"""Given method and path, a request waits for its turn on the way in; its errors pass on the way out."""


def unlimited(_method: str, _path: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


_WRAPPER_SUCCESS: Final = frozenset({0, 200})
_TOO_OFTEN: Final = frozenset({BANNED, LIMITED})
_REFUSAL_BYTES_MAX: Final = 64 * 1024
SEGMENT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RestLimits:
    """Bounds on one request."""

    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    names_seconds: float = 3.0
    """For the list of names: small, and asked for so often that one lost answer must not blind us for long."""
    body_bytes_max: int = 32 * 1024 * 1024
    connections_max: int = 10
    admission: Admission = unlimited
    """Waiting there is not part of the time a request may take."""


DEFAULT_LIMITS: Final = RestLimits()


@asynccontextmanager
async def connect_http(
    base_url: str,
    limits: RestLimits,
    headers: dict[str, str] | None = None,
    through: Callable[[Transport], Transport] | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of *base_url* that takes nothing from its environment and follows no redirect.

    What *through* makes of the transport is what requests go through.
    """
    # In a thread: reading the certificates of the world holds the loop for 30 ms.
    is_secure = httpx.URL(base_url).scheme == "https"
    verify = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False) if is_secure else False
    # A proxy or a netrc found in the environment has no say in requests.
    transport = httpx.AsyncHTTPTransport(
        verify=verify, limits=httpx.Limits(max_connections=limits.connections_max), trust_env=False
    )
    async with httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(limits.total_seconds, connect=limits.connect_seconds),
        transport=through(transport) if through else transport,
    ) as http:
        yield http


async def ask(
    http: httpx.AsyncClient,
    limits: RestLimits,
    path: str,
    params: Mapping[str, str],
    method: Method = "GET",
) -> bytes:
    """Return the body of a good answer; raise ExchangeUnavailable, ExchangeRejected or RateLimited."""
    return b"".join(await get_segments(http, limits, path, params, method))


async def get_segments(
    http: httpx.AsyncClient,
    limits: RestLimits,
    path: str,
    params: Mapping[str, str],
    method: Method = "GET",
) -> Sequence[bytes]:
    """Return the same in parts of SEGMENT_BYTES: as a whole a large body is moved about, which takes too long."""
    async with limits.admission(method, path):
        try:
            async with (
                asyncio.timeout(limits.total_seconds),
                http.stream(method, path, params=params) as response,
            ):
                segments = await _bounded_body(response, limits.body_bytes_max)
        except TimeoutError as error:
            raise ExchangeUnavailable(f"{path}: no answer within {limits.total_seconds:g} s") from error
        except httpx.HTTPError as error:
            raise ExchangeUnavailable(f"{path}: {type(error).__name__}") from error
        _raise_for_refusal(path, response, segments[0])
        return segments


def decode(body: bytes, shape: type[T]) -> T:
    """Read *body* as *shape*; raise ExchangeUnavailable where it is something else."""
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise ExchangeUnavailable(f"not the answer that was asked for: {error}") from error


async def _bounded_body(response: httpx.Response, bytes_max: int) -> Sequence[bytes]:
    segments: list[bytes] = []
    latest = bytearray()
    async for chunk in response.aiter_bytes():
        latest += chunk
        if len(segments) * SEGMENT_BYTES + len(latest) > bytes_max:
            raise ExchangeUnavailable(f"{response.url.path}: the answer is larger than {bytes_max} bytes")
        while len(latest) > SEGMENT_BYTES:
            segments.append(bytes(latest[:SEGMENT_BYTES]))
            del latest[:SEGMENT_BYTES]
    return [*segments, bytes(latest)]


def _raise_for_refusal(path: str, response: httpx.Response, body: bytes) -> None:
    status = response.status_code
    if status in _TOO_OFTEN:
        raise RateLimited(_wait_seconds(response), banned=status == BANNED)
    if status != 200 and not 400 <= status < 500:
        raise ExchangeUnavailable(f"{path}: HTTP {status}")
    refusal = _refusal(body)
    if refusal is not None and refusal.code in _TOO_OFTEN:
        raise RateLimited(_wait_seconds(response), banned=refusal.code == BANNED)
    if refusal is not None and not (status == 200 and refusal.code in _WRAPPER_SUCCESS):
        raise ExchangeRejected(refusal.code, refusal.msg or "")
    if status != 200:
        raise ExchangeUnavailable(f"{path}: HTTP {status}")


def _refusal(body: bytes) -> Refusal | None:
    if len(body) > _REFUSAL_BYTES_MAX:  # Too long to be one, and too long to be read twice.
        return None
    try:
        return msgspec.json.decode(body, type=Refusal)
    except UNREADABLE:
        return None


def _wait_seconds(response: httpx.Response) -> float | None:
    headers = response.headers
    return retry_after_seconds(headers.get("retry-after"), date=headers.get("date"), now=datetime.now(UTC))
