"""Throttle: failed attempts by address, requests by token; counted in this process, forgotten after two minutes."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from api.error_handlers import ApiError

log = structlog.get_logger()

STOPS_PER_MINUTE: Final = 60
"""Halts of one token, counted apart: a token without requests left can still stop trading."""
LOOKED_UP_MAX: Final = 4
"""Concurrent look-ups for addresses that failed too often; all operators behind a proxy come from one address."""
NETWORK_BITS: Final = 64
"""An IPv6 client has a whole network of addresses."""


class Throttle:
    """Sliding-window rate limits over a minute."""

    def __init__(self, *, failures_per_minute: int, requests_per_minute: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._failures = RateLimitItemPerMinute(failures_per_minute, namespace="failures")
        self._requests = RateLimitItemPerMinute(requests_per_minute, namespace="requests")
        self._stops = RateLimitItemPerMinute(STOPS_PER_MINUTE, namespace="stops")
        self._look_ups = asyncio.Semaphore(LOOKED_UP_MAX)

    @asynccontextmanager
    async def look_up(self, address: str) -> AsyncIterator[None]:
        """Wait for a place to look up a credential, if *address* has failed too often; at once otherwise."""
        if await self._limiter.test(self._failures, address):
            yield
            return
        async with self._look_ups:
            yield

    async def count_failure(self, address: str) -> None:
        """Count and log a failed attempt of *address*; raise ApiError (429) if it has failed too often already."""
        if not await self._limiter.hit(self._failures, address):
            raise await self._exceeded(self._failures, address, "too_many_failures", "too many failed attempts")
        log.warning("a failed attempt to come in", client=address)

    async def count_request(self, token_id: int, *, stops: bool = False) -> None:
        """Count a request of a token, one that *stops* trading apart; raise ApiError (429) beyond the limit."""
        key, limit = str(token_id), self._stops if stops else self._requests
        if not await self._limiter.hit(limit, key):
            raise await self._exceeded(limit, key, "too_many_requests", "too many requests of this token")

    async def _exceeded(self, limit: RateLimitItem, key: str, code: str, message: str) -> ApiError:
        resets_at = (await self._limiter.get_window_stats(limit, key)).reset_time
        seconds = max(1, math.ceil(resets_at - time.time()))
        return ApiError(
            429,
            code,
            f"{message}: try again in {seconds} s",
            details={"retry_after_seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )


@lru_cache(maxsize=1024)
def client_of(host: str | None) -> str:
    """Return the key under which failures of the client at *host* are counted."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, NETWORK_BITS), strict=False))
