"""One question of exchangeInfo for all who ask beside the same order."""

import asyncio
from typing import cast

import pytest

from executor.market_data.recent_exchange_info import RECENT_SECONDS, RecentExchangeInfo
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.market_data import MexcMarketData
from shared.mexc.symbols import SymbolInfo
from tests.support.data.builders import a_symbol_info


class Rest:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        self.asked.append(symbol)
        await self.goes_on.wait()
        if self.fails:
            raise ExchangeUnavailable("HTTP 503")
        return a_symbol_info(symbol)


async def test_what_was_said_a_moment_ago_is_not_asked_for_again() -> None:
    rest, now = Rest(), [0.0]
    infos = RecentExchangeInfo(cast("MexcMarketData", rest), lambda: now[0])

    for now[0] in (0.0, RECENT_SECONDS, RECENT_SECONDS + 0.1):
        assert await infos.symbol_rules("AUSDT") == a_symbol_info("AUSDT")
    await infos.symbol_rules("BUSDT")

    assert rest.asked == ["AUSDT", "AUSDT", "BUSDT"]


async def test_who_gives_up_ends_no_question_that_others_wait_for() -> None:
    rest = Rest()
    rest.goes_on.clear()
    infos = RecentExchangeInfo(cast("MexcMarketData", rest))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(infos.symbol_rules("AUSDT"), 0.001)
    waiting = asyncio.create_task(infos.symbol_rules("AUSDT"))
    rest.goes_on.set()

    assert await waiting == a_symbol_info("AUSDT")
    assert rest.asked == ["AUSDT"]


async def test_a_failure_is_asked_about_again() -> None:
    rest = Rest()
    rest.fails = True
    infos = RecentExchangeInfo(cast("MexcMarketData", rest))

    with pytest.raises(ExchangeUnavailable):
        await infos.symbol_rules("AUSDT")
    rest.fails = False

    assert await infos.symbol_rules("AUSDT") == a_symbol_info("AUSDT")
