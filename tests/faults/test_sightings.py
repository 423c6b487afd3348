"""Sightings as the world sends them: many times over, out of order, spelled in every way, and in masses."""

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from shared.bus.port import Message
from shared.events import Listing, RawListing, Source, utc_now
from shared.wire.topology import DEAD_LETTERS, EXECUTOR_LISTINGS, EXECUTOR_OPENINGS, to_message
from tests.support.data.builders import NOON, a_raw_listing
from tests.support.running.pipelines import dedup, executor, has_rows, persister, pipeline, publish_all, rows
from tests.support.running.services import emptying
from tests.support.running.simulators import simulator_in_this_process
from tests.waiting import eventually

REAL_SOURCES = (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)
TIMES = ("listed_at", "observed_at", "published_at")

SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.lower,
    lambda symbol: symbol.replace("USDT", "_USDT"),
    lambda symbol: symbol.replace("USDT", "_usdt"),
)
CLOCKS: tuple[Callable[[datetime], object], ...] = (
    datetime.isoformat,
    lambda time: time.astimezone(timezone(timedelta(hours=8))).isoformat(),
    lambda time: int(time.timestamp()),
    lambda time: int(time.timestamp() * 1000),
    lambda time: str(int(time.timestamp() * 1000)),
)
LAGS = (timedelta(0), timedelta(seconds=1.5), -timedelta(minutes=3))


def seen_now(**overrides: Any) -> RawListing:
    return a_raw_listing(**dict.fromkeys(TIMES, utc_now()), **overrides)


def rewritten(raw: RawListing, **data: object) -> Message:
    """Return the message of *raw* with other values, as another program would write them."""
    message = to_message(raw)
    envelope = json.loads(message.body)
    envelope["data"] |= data
    return replace(message, body=json.dumps(envelope).encode())


async def test_however_two_sources_spell_a_listing_and_its_times_it_is_one(database_url: str, broker_url: str) -> None:
    ways = list(itertools.product(SPELLINGS, CLOCKS, LAGS, itertools.permutations(REAL_SOURCES)))
    random.Random(0).shuffle(ways)
    messages = []
    for number, (spelling, clock, lag, (first, second)) in enumerate(ways):
        symbol = f"WAY{number}USDT"
        messages.append(to_message(a_raw_listing(symbol=symbol, source=first)))
        later = a_raw_listing(symbol=symbol, source=second)
        messages.append(rewritten(later, symbol=spelling(symbol), **{name: clock(NOON + lag) for name in TIMES}))

    async with (
        pipeline(database_url, broker_url, dedup) as runtime,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as listings,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await publish_all(runtime.bus, messages)
        await listings.holds(len(ways))
        await eventually(lambda: has_rows(runtime, "listing_observations", len(ways)), within_seconds=20)

    assert sorted(event.id for event in listings.events) == sorted(
        f"WAY{number}USDT:1:detected" for number in range(len(ways))
    )
    assert dead.messages == []


async def test_a_sighting_delivered_a_hundred_times_over_is_one_listing_and_one_trade(
    database_url: str, broker_url: str
) -> None:
    async with simulator_in_this_process() as exchange:
        for symbol in ("OFTENUSDT", "LASTUSDT"):
            await exchange.list_coin(symbol)
        services = (dedup, persister, executor(exchange.rest_url))
        async with pipeline(database_url, broker_url, *services) as runtime:
            once = seen_now(symbol="OFTENUSDT", base_asset="OFTEN")
            copies = [once.model_copy(update={"id": f"copy-{number}"}) for number in range(100)]
            await publish_all(runtime.bus, map(to_message, [once] * 100 + copies))
            await eventually(lambda: has_rows(runtime, "listing_observations", 100), within_seconds=20)
            # A second trade would have come before that of the next listing.
            await runtime.bus.publish(to_message(seen_now(symbol="LASTUSDT", base_asset="LAST")))
            await eventually(lambda: has_rows(runtime, "trades", 2), within_seconds=20)

            listed = await rows(runtime, "SELECT symbol FROM listings ORDER BY symbol")
            orders = await rows(runtime, "SELECT symbol, state FROM orders ORDER BY symbol")

    assert [row["symbol"] for row in listed] == ["LASTUSDT", "OFTENUSDT"]
    assert [tuple(row.values()) for row in orders] == [("LASTUSDT", "filled"), ("OFTENUSDT", "filled")]


async def test_sightings_out_of_order_end_in_the_same_listings_and_opening_times(
    database_url: str, broker_url: str
) -> None:
    symbols = [f"SHUFFLED{number}USDT" for number in range(30)]
    words = [
        a_raw_listing(
            symbol=symbol,
            occurrence=occurrence,
            source=REAL_SOURCES[minute % 2],
            opens_at=NOON + timedelta(days=occurrence, hours=minute),
            observed_at=NOON + timedelta(minutes=minute),
        )
        for symbol in symbols
        for occurrence in (1, 2)
        for minute in range(5)
    ]
    random.Random(0).shuffle(words)
    latest = {f"{symbol}:{number}": NOON + timedelta(days=number, hours=4) for symbol in symbols for number in (1, 2)}

    async with (
        pipeline(database_url, broker_url, dedup) as runtime,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as outlet,
        emptying(runtime.bus, EXECUTOR_OPENINGS) as openings,
    ):

        def told() -> set[tuple[str, datetime | None]]:
            events = [*outlet.events, *openings.events]
            return {(event.key, event.opens_at) for event in events if isinstance(event, Listing)}

        await publish_all(runtime.bus, map(to_message, words))
        await eventually(lambda: has_rows(runtime, "listing_observations", 4 * len(latest)), within_seconds=20)
        await eventually(lambda: told() >= set(latest.items()), within_seconds=20, every_seconds=0.1)
        claims = await rows(runtime, "SELECT listing_key, opens_at FROM listing_claims")

    assert {row["listing_key"]: row["opens_at"] for row in claims} == latest
    detected, moved = ([event.id for event in each.events] for each in (outlet, openings))
    # A publication whose confirmation is late is repeated, under its id.
    assert set(detected) == {f"{key}:detected" for key in latest}
    assert set(detected).isdisjoint(moved)


async def test_of_one_coin_in_many_quotes_each_pair_is_a_listing_and_only_the_one_in_usdt_is_bought(
    database_url: str, broker_url: str
) -> None:
    pairs = {quote: f"MANY{quote}" for quote in ("USDT", "USDC", "EUR", "BTC")}
    async with simulator_in_this_process() as exchange:
        await exchange.list_coin(pairs["USDT"])
        services = (dedup, persister, executor(exchange.rest_url))
        async with pipeline(database_url, broker_url, *services) as runtime:
            await publish_all(
                runtime.bus,
                (
                    to_message(a_filtered_sighting(symbol, quote, source))
                    for (quote, symbol), source in itertools.product(pairs.items(), REAL_SOURCES)
                ),
            )
            await eventually(lambda: has_rows(runtime, "trades", len(pairs)), within_seconds=20)
            await eventually(lambda: has_rows(runtime, "listings", len(pairs)), within_seconds=20)
            listed = await rows(runtime, "SELECT symbol, tradable FROM listings")
            trades = await rows(runtime, "SELECT symbol, status, error_reason FROM trades")
            [exposure] = await rows(runtime, "SELECT sum(reserved_usdt + filled_usdt) AS usdt FROM exposure")

    assert {row["symbol"]: row["tradable"] for row in listed} == {
        symbol: quote in {"USDT", "USDC"} for quote, symbol in pairs.items()
    }
    assert {row["symbol"]: (row["status"], row["error_reason"]) for row in trades} == {
        "MANYUSDT": ("filled", None),
        "MANYUSDC": ("rejected", "quote_asset_not_traded: USDC"),
        "MANYEUR": ("rejected", "filtered: quoted in EUR"),
        "MANYBTC": ("rejected", "filtered: quoted in BTC"),
    }
    assert exposure["usdt"] <= 100


def a_filtered_sighting(symbol: str, quote: str, source: Source) -> RawListing:
    """A sighting of MANY in *quote*, of which ingest lets only two pass."""
    passed = quote in {"USDT", "USDC"}
    reason = "" if passed else f"quoted in {quote}"
    return seen_now(
        symbol=symbol,
        base_asset="MANY",
        quote_asset=quote,
        source=source,
        tradable=passed,
        not_tradable_reason=reason,
    )


async def test_a_mass_of_listings_at_once_is_stored_to_the_last_one(database_url: str, broker_url: str) -> None:
    symbols = {f"MASS{number}USDT" for number in range(500)}
    async with (
        pipeline(database_url, broker_url, dedup, persister) as runtime,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await publish_all(
            runtime.bus,
            (to_message(seen_now(symbol=symbol, source=source)) for symbol in symbols for source in REAL_SOURCES),
        )
        await eventually(lambda: has_rows(runtime, "listings", len(symbols)), within_seconds=30)
        await eventually(lambda: has_rows(runtime, "listing_observations", len(symbols)), within_seconds=30)
        stored = await rows(runtime, "SELECT symbol FROM listings")

    assert {row["symbol"] for row in stored} == symbols
    assert dead.messages == []
