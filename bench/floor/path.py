"""The floor of the path from frame to order: hops, commits and a request."""

import argparse
import asyncio
import time
from typing import Final

import asyncpg
from aio_pika.abc import AbstractIncomingMessage

from bench.exchange.account import TEST_PATH
from bench.exchange.http_wire import post
from bench.floor.messaging import consume, open_channel, persistent, print_ready, print_stamp
from shared.wire.topology import DEDUP_RAW, EXECUTOR_LISTINGS

FIRST_QUEUE: Final = "bench.floor.first"
SECOND_QUEUE: Final = "bench.floor.second"
CREATE: Final = "CREATE TABLE bench_floor (id text PRIMARY KEY, body bytea NOT NULL)"
INSERT: Final = "INSERT INTO bench_floor (id, body) VALUES ($1, $2)"
INSERT_AT_LEISURE: Final = f"WITH at_leisure AS (SELECT set_config('synchronous_commit', 'off', true)) {INSERT}"


async def forward(options: argparse.Namespace) -> None:
    """Commit one row and publish on, as dedup does."""
    database = await asyncpg.connect(options.database)
    channel = await open_channel(options.broker)

    async def on_message(message: AbstractIncomingMessage) -> None:
        await _commit(database, f"{message.message_id}/claim", message.body)
        await channel.default_exchange.publish(persistent(message.message_id or "", message.body), SECOND_QUEUE)
        await message.ack()

    await consume(channel, FIRST_QUEUE, DEDUP_RAW.prefetch, on_message)


async def order(options: argparse.Namespace) -> None:
    """Commit one row and post, as the executor does."""
    database = await asyncpg.connect(options.database)
    channel = await open_channel(options.broker)
    venue = await asyncio.open_connection("127.0.0.1", options.port)

    async def on_message(message: AbstractIncomingMessage) -> None:
        await _commit(database, f"{message.message_id}/order", message.body)
        await _post(venue, message.message_id or "")
        await message.ack()

    await consume(channel, SECOND_QUEUE, EXECUTOR_LISTINGS.prefetch, on_message)


async def alone(options: argparse.Namespace) -> None:
    """For each symbol on a connection to the trigger: store two messages, commit twice, and post."""
    database = await asyncpg.connect(options.database)
    venue = await asyncio.open_connection("127.0.0.1", options.port)
    reader, _ = await asyncio.open_connection("127.0.0.1", options.trigger)
    print_ready()
    async for line in reader:
        symbol = line.decode().strip()
        for message, row in (("raw", "claim"), ("listing", "order")):
            await database.execute(INSERT_AT_LEISURE, f"{symbol}/{message}", line)
            await _commit(database, f"{symbol}/{row}", line)
        await _post(venue, symbol)


async def straight(options: argparse.Namespace) -> None:
    """For each symbol on a connection to the trigger: commit once and post, and report when that began."""
    database = await asyncpg.connect(options.database)
    venue = await asyncio.open_connection("127.0.0.1", options.port)
    reader, _ = await asyncio.open_connection("127.0.0.1", options.trigger)
    print_ready()
    async for line in reader:
        symbol = line.decode().strip()
        began_ns = time.monotonic_ns()
        await _commit(database, f"{symbol}/order", line)
        await _post(venue, symbol)
        print_stamp(symbol, began_ns)


async def send(options: argparse.Namespace) -> None:
    """For each symbol on a connection to the trigger: post, and report when that began."""
    venue = await asyncio.open_connection("127.0.0.1", options.port)
    reader, _ = await asyncio.open_connection("127.0.0.1", options.trigger)
    print_ready()
    async for line in reader:
        symbol = line.decode().strip()
        began_ns = time.monotonic_ns()
        await _post(venue, symbol)
        print_stamp(symbol, began_ns)


async def _commit(database: "asyncpg.Connection[asyncpg.Record]", name: str, body: bytes) -> None:
    async with database.transaction():
        await database.execute(INSERT, name, body)


async def _post(venue: tuple[asyncio.StreamReader, asyncio.StreamWriter], symbol: str) -> None:
    reader, writer = venue
    writer.write(post(f"{TEST_PATH}?symbol={symbol}", "127.0.0.1"))
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.rpartition(b"Content-Length: ")[2]))
