"""Client of MEXC's web site, for data missing in the API. Undocumented: it may refuse us, or change, at any time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from shared.mexc.announcement_payloads import Calendar, NewCoin, new_coin
from shared.mexc.http.request import RestLimits, ask, connect_http, decode

_CALENDAR_PATH: Final = "/api/operation/new_coin_calendar"
_HEADERS: Final = {"User-Agent": "Mozilla/5.0 (compatible; mexc-listing-sniper)", "Accept": "application/json"}
"""The site refuses clients without a browser's User-Agent."""


_COINS_PER_TURN: Final = 250
_LIMITS: Final = RestLimits(body_bytes_max=4 * 1024 * 1024, connections_max=1)


@asynccontextmanager
async def connect_website(base_url: str, limits: RestLimits = _LIMITS) -> AsyncIterator["MexcWebsite"]:
    """Open a client of the web site at *base_url*, for example https://www.mexc.com."""
    async with connect_http(base_url, limits, _HEADERS) as http:
        yield MexcWebsite(http, limits)


class MexcWebsite:
    def __init__(self, http: httpx.AsyncClient, limits: RestLimits) -> None:
        self._http = http
        self._limits = limits

    async def new_coins(self, *, now_ms: int) -> Sequence[NewCoin]:
        """Return the coins of the calendar, past and to come; raise ExchangeError.

        *now_ms* bypasses caches on the way.
        """
        body = await ask(self._http, self._limits, _CALENDAR_PATH, {"timestamp": str(now_ms)})
        coins = []
        for count, entry in enumerate(decode(body, Calendar).data.new_coins):
            if count % _COINS_PER_TURN == 0:
                await asyncio.sleep(0)
            coins.append(new_coin(entry))
        return [coin for coin in coins if coin is not None]
