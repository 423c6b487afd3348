"""Streams of best prices over real connections: how many, when they are fresh, and what they survive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from executor.market_streams.market_streams import DAY_SECONDS, MarketStreams
from executor.market_streams.stream_quotes import NoListener
from executor.settings import ExecutorSettings
from shared.mexc.streams.symbol_channels import channels_of
from tests.support.fakes.streams import Exchange, book, listening
from tests.waiting import eventually

PATIENT = {"stream_stale_seconds": 20}
"""However busy the machine is."""


@asynccontextmanager
async def following(exchange: Exchange, *symbols: str, **settings: Any) -> AsyncIterator[MarketStreams]:
    """Follow *symbols* at *exchange* during the block."""
    rotate_seconds = settings.pop("rotate_seconds", DAY_SECONDS)
    until = asyncio.Event()
    async with listening(exchange) as url, asyncio.TaskGroup() as tasks:
        chosen = ExecutorSettings(**PATIENT | settings)
        streams = MarketStreams(url, chosen, CollectorRegistry(), rotate_seconds=rotate_seconds)
        streams.follow(symbols)
        tasks.create_task(streams.run(until, NoListener()))
        try:
            yield streams
        finally:
            until.set()


async def are_granted(exchange: Exchange, *symbols: str) -> None:
    wanted = frozenset[str]().union(*map(channels_of, symbols))
    await eventually(lambda: exchange.channels == wanted)


async def becomes_fresh(exchange: Exchange, streams: MarketStreams, symbol: str) -> None:
    """Push until the best prices of *symbol* count: those that come before the answers to its requests do not."""

    async def is_fresh() -> bool:
        await exchange.push(book(symbol, ("1", "1"), ("1.1", "1")))
        return streams.fresh(symbol) is not None

    await eventually(is_fresh)


async def test_best_prices_are_fresh_once_they_came_and_their_channels_are_granted() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT") as streams:
        await are_granted(exchange, "ABCUSDT")
        assert streams.fresh("ABCUSDT") is None
        await becomes_fresh(exchange, streams, "ABCUSDT")
        assert streams.facts() == {"ABCUSDT": "stream"}


async def test_fifteen_coins_share_a_connection_and_others_have_their_own() -> None:
    exchange, symbols = Exchange(), [f"C{number:02}USDT" for number in range(31)]
    async with following(exchange, *symbols) as streams:
        await are_granted(exchange, *symbols)
        assert sorted(map(len, exchange.followed.values())) == [2, 30, 30]
        streams.follow(symbols[:3])
        await are_granted(exchange, *symbols[:3])
        await eventually(lambda: exchange.connections == 3 and len(exchange.followed) == 1)


async def test_coins_are_followed_as_they_come_and_go() -> None:
    exchange = Exchange()
    async with following(exchange) as streams:
        streams.follow(["ABCUSDT"])
        await are_granted(exchange, "ABCUSDT")
        streams.follow(["ABCUSDT", "XYZUSDT"])
        await are_granted(exchange, "ABCUSDT", "XYZUSDT")
        streams.follow([])
        await eventually(lambda: not exchange.followed)
        assert exchange.connections == 1
        assert streams.facts() == {}


async def test_best_prices_of_before_a_lost_connection_do_not_count_after_it() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT") as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        exchange.cut()
        await eventually(lambda: exchange.connections == 2)
        await are_granted(exchange, "ABCUSDT")
        assert streams.fresh("ABCUSDT") is None
        await becomes_fresh(exchange, streams, "ABCUSDT")


async def test_refused_coin_is_stale_and_the_others_are_fresh() -> None:
    exchange = Exchange()
    exchange.refused.update(dict.fromkeys(channels_of("BADUSDT"), 1_000_000))
    async with following(exchange, "ABCUSDT", "BADUSDT") as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        await exchange.push(book("BADUSDT", ("1", "1"), ("1.1", "1")))
        assert streams.facts() == {"ABCUSDT": "stream", "BADUSDT": "rest"}


async def test_stream_without_a_sign_of_life_is_stale() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT", stream_stale_seconds=0.5) as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        exchange.is_mute = True
        await eventually(lambda: streams.fresh("ABCUSDT") is None)


async def test_quiet_coin_stays_fresh_by_the_answers_to_pings() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT", stream_stale_seconds=3) as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        before = exchange.pings
        await eventually(lambda: exchange.pings >= before + 5, within_seconds=30)
        assert streams.fresh("ABCUSDT") is not None


async def test_best_prices_in_doubt_count_again_with_the_next_push() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT") as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        streams.doubt("ABCUSDT")
        assert streams.fresh("ABCUSDT") is None
        await becomes_fresh(exchange, streams, "ABCUSDT")


async def test_connection_that_is_rotated_leaves_no_coin_stale() -> None:
    exchange = Exchange()
    async with following(exchange, "ABCUSDT", rotate_seconds=0.5) as streams:
        await becomes_fresh(exchange, streams, "ABCUSDT")
        was_stale = 0

        def has_rotated() -> bool:
            nonlocal was_stale
            was_stale += streams.fresh("ABCUSDT") is None
            return exchange.connections >= 4

        await eventually(has_rotated, within_seconds=30, every_seconds=0.005)
        assert was_stale == 0
