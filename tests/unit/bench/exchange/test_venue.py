"""The venue detects invalid samples."""

import asyncio

import pytest

from bench.exchange import venue as module
from bench.exchange.account import TEST_PATH
from bench.exchange.http_wire import post
from bench.exchange.market import Market
from bench.exchange.venue import Instant, Venue
from bench.figures import BenchmarkError


@pytest.fixture
def venue() -> Venue:
    return Venue(Market(60))


async def order(venue: Venue, symbol: str) -> None:
    """Let an order for *symbol* arrive on a connection of its own."""
    server = await asyncio.start_server(venue.speak, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(post(f"{TEST_PATH}?symbol={symbol}", "here"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()


async def test_an_order_ends_the_journey_of_its_symbol(venue: Venue) -> None:
    other, awaited = venue.expect("XYZUSDT"), venue.expect("ABCUSDT")
    started = Instant.now()
    await order(venue, "ABCUSDT")

    assert (await venue.arrival("ABCUSDT", started, awaited)).ms > 0
    assert not other.done()


async def test_a_sample_without_an_order_is_lost(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOST_SECONDS", 0.01)

    with pytest.raises(BenchmarkError, match="sample lost: no order for ABCUSDT"):
        await venue.arrival("ABCUSDT", Instant.now(), venue.expect("ABCUSDT"))


async def test_a_second_order_for_one_symbol_is_noticed(venue: Venue) -> None:
    awaited = venue.expect("ABCUSDT")
    await order(venue, "ABCUSDT")
    await order(venue, "ABCUSDT")

    with pytest.raises(BenchmarkError, match="orders nobody waits for: ABCUSDT"):
        await venue.arrival("ABCUSDT", Instant.now(), awaited)


async def test_nothing_is_shown_where_nobody_looks(venue: Venue) -> None:
    with pytest.raises(BenchmarkError, match="0 connections follow the frames"):
        await venue.show("ABCUSDT")
