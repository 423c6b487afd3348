"""Symbols about to open, each followed on streams of its own until it trades."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from ingest.source import FirstTrade, SourceEvent, Upcoming
from shared.events import Source, utc_now
from shared.mexc.streams.symbol_channels import SYMBOLS_PER_CONNECTION, channels_of
from tests.support.fakes.streams import Exchange, Watch, book, deals, listening, watching
from tests.waiting import eventually

DEAL = ("1.5", "20")


class Openings:
    """The list of the upcoming, nearest first, as the test wants it."""

    def __init__(self, *symbols: str) -> None:
        self.symbols = list(symbols)

    def __call__(self) -> list[Upcoming]:
        now = utc_now()
        return [Upcoming(symbol, now + timedelta(minutes=minute)) for minute, symbol in enumerate(self.symbols, 1)]


@asynccontextmanager
async def awaiting(exchange: Exchange, openings: Openings, **options: Any) -> AsyncIterator[Watch]:
    """Follow the *openings* on *exchange* for the time of the block."""
    async with listening(exchange) as url:
        watch = Watch(url, **options)
        async with watching(watch, watch.trades(openings)):
            yield watch


def channels(*symbols: str) -> set[str]:
    return {channel for symbol in symbols for channel in channels_of(symbol)}


async def test_first_deal_is_reported_once_and_stamped_when_it_arrived() -> None:
    exchange, before = Exchange(), utc_now()
    async with awaiting(exchange, Openings("ABCUSDT", "DEFUSDT")) as watch:
        await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
        await exchange.push(deals("ABCUSDT", DEAL))
        await exchange.push(deals("ABCUSDT", DEAL))
        await exchange.push(deals("DEFUSDT", DEAL))
        await eventually(lambda: "DEFUSDT" in watch.symbols)

        assert watch.symbols == ["ABCUSDT", "DEFUSDT"]
        first = watch.evidence[0]
        assert isinstance(first, FirstTrade)
        assert first.source is Source.MEXC_WEBSOCKET
        assert before <= first.observed_at <= utc_now()


async def test_book_is_believed_once_it_has_both_sides() -> None:
    exchange = Exchange()
    async with awaiting(exchange, Openings("ABCUSDT", "DEFUSDT")) as watch:
        await eventually(lambda: exchange.channels)
        await exchange.push(book("ABCUSDT", ask=DEAL))
        await exchange.push(book("DEFUSDT", bid=DEAL, ask=DEAL))
        await eventually(lambda: watch.symbols)

        assert watch.symbols == ["DEFUSDT"]
        assert watch.metric("bad_frames", "trades") == 0


async def test_trade_that_was_not_believed_is_reported_again() -> None:
    exchange, reported = Exchange(), list[SourceEvent]()

    async def doubt(evidence: SourceEvent) -> bool:
        reported.append(evidence)
        return len(reported) > 1

    async with listening(exchange) as url, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Watch(url).trades(Openings("ABCUSDT")).watch(doubt))
        await eventually(lambda: exchange.channels)
        for _ in range(3):
            await exchange.push(deals("ABCUSDT", DEAL))
        await exchange.push(deals("ABCUSDT", DEAL))
        await eventually(lambda: len(reported) == 2)
        task.cancel()


async def test_channels_change_with_the_list_on_the_same_connection() -> None:
    exchange, openings = Exchange(), Openings("ABCUSDT", "DEFUSDT")
    async with awaiting(exchange, openings):
        await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
        openings.symbols = ["DEFUSDT", "GHIUSDT"]
        await eventually(lambda: exchange.channels == channels("DEFUSDT", "GHIUSDT"))

        assert exchange.connections == 1


async def test_trades_of_a_symbol_just_given_up_are_neither_news_nor_errors() -> None:
    exchange, openings = Exchange(), Openings("ABCUSDT", "DEFUSDT")
    async with awaiting(exchange, openings) as watch:
        await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
        openings.symbols = ["DEFUSDT"]
        await eventually(lambda: exchange.channels == channels("DEFUSDT"))
        await exchange.push(deals("ABCUSDT", DEAL))
        await exchange.push(deals("DEFUSDT", DEAL))
        await eventually(lambda: watch.symbols)

        assert watch.symbols == ["DEFUSDT"]
        assert watch.metric("bad_frames", "trades") == 0


async def test_nobody_is_asked_while_nothing_is_upcoming_and_that_is_no_trouble() -> None:
    exchange, openings = Exchange(), Openings()
    async with awaiting(exchange, openings) as watch:
        await eventually(watch.feed.is_known)
        assert exchange.connections == 0

        openings.symbols = ["ABCUSDT"]
        await eventually(lambda: exchange.channels == channels("ABCUSDT"))
        openings.symbols = []
        await eventually(lambda: not exchange.followed)
        assert watch.metric("websocket_disconnects", "trades") == 0


async def test_more_symbols_than_fit_on_one_connection_get_another_and_the_nearest_come_first() -> None:
    exchange = Exchange()
    openings = Openings(*(f"A{number}USDT" for number in range(3 * SYMBOLS_PER_CONNECTION)))
    async with awaiting(exchange, openings):
        nearest = openings.symbols[: 2 * SYMBOLS_PER_CONNECTION]
        await eventually(lambda: exchange.channels == channels(*nearest))

        assert [len(followed) for followed in exchange.followed.values()] == [30, 30]


async def test_silence_is_normal_as_long_as_pings_are_answered() -> None:
    exchange = Exchange()
    async with awaiting(exchange, Openings("ABCUSDT"), ping_seconds=0.05, stall_seconds=0.15):
        await eventually(lambda: exchange.pings >= 12)

        assert exchange.connections == 1


async def test_connection_that_does_not_answer_is_made_again_and_subscribed_again() -> None:
    exchange = Exchange()
    async with awaiting(exchange, Openings("ABCUSDT"), stall_seconds=0.2) as watch:
        await eventually(lambda: exchange.pings)
        exchange.is_mute = True
        await eventually(lambda: watch.metric("websocket_disconnects", "trades") >= 1)
        exchange.is_mute = False
        await eventually(lambda: exchange.channels == channels("ABCUSDT"))
        await exchange.push(deals("ABCUSDT", DEAL))
        await eventually(lambda: watch.symbols == ["ABCUSDT"])


async def test_lost_connection_is_made_again_and_subscribed_again() -> None:
    exchange = Exchange()
    async with awaiting(exchange, Openings("ABCUSDT", "DEFUSDT")) as watch:
        for _ in range(3):
            await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
            exchange.cut()
            await eventually(lambda: not exchange.followed)
        await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
        assert watch.metric("websocket_disconnects", "trades") == 3


async def test_rotation_of_a_quiet_connection_waits_until_all_channels_are_granted() -> None:
    exchange = Exchange()
    async with awaiting(exchange, Openings("ABCUSDT"), rotate_seconds=0.3) as watch:
        await eventually(lambda: exchange.channels == channels("ABCUSDT"))
        exchange.refused.update(dict.fromkeys(channels("ABCUSDT"), 1_000_000))
        await eventually(lambda: watch.metric("websocket_disconnects", "trades") >= 3)
        assert exchange.channels == channels("ABCUSDT")
        rotations = watch.metric("websocket_rotations", "trades")

        exchange.refused.clear()
        await eventually(lambda: watch.metric("websocket_rotations", "trades") > rotations)
        assert exchange.channels == channels("ABCUSDT")


async def test_one_channel_refused_among_many_is_told_and_asked_for_until_granted() -> None:
    exchange = Exchange()
    exchange.refused.update({channel: 4 for channel in channels("DEFUSDT") if "deals" in channel})
    async with awaiting(exchange, Openings("ABCUSDT", "DEFUSDT")) as watch:
        await eventually(lambda: "a part of the subscriptions refused: Not Subscribed" in watch.feed.trouble())
        await exchange.push(deals("ABCUSDT", DEAL))
        await eventually(lambda: watch.symbols == ["ABCUSDT"])

        await eventually(lambda: exchange.channels == channels("ABCUSDT", "DEFUSDT"))
        await eventually(lambda: watch.feed.trouble() == "")
        assert exchange.connections == 1


async def test_refusal_of_everything_is_told_and_tried_again() -> None:
    exchange = Exchange()
    exchange.refused.update(dict.fromkeys(channels("ABCUSDT"), 4))
    async with awaiting(exchange, Openings("ABCUSDT")) as watch:
        await eventually(lambda: "subscription refused: Not Subscribed" in watch.feed.trouble())
        await eventually(lambda: exchange.channels == channels("ABCUSDT"))
        await eventually(lambda: watch.feed.trouble() == "")


async def test_refusal_of_one_symbol_does_not_hold_up_the_next() -> None:
    exchange, openings = Exchange(), Openings("UNKNOWNUSDT")
    exchange.refused.update(dict.fromkeys(channels("UNKNOWNUSDT"), 1_000_000))
    async with awaiting(exchange, openings, retry_max_seconds=60) as watch:
        await eventually(lambda: "subscription refused" in watch.feed.trouble())
        openings.symbols.append("ABCUSDT")
        await eventually(lambda: exchange.channels == channels("ABCUSDT"))
