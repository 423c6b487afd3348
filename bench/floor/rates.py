"""The floor of throughput: messages relayed, rows written."""

import argparse
from collections.abc import Sequence

import asyncpg
from aio_pika.abc import AbstractIncomingMessage

from bench.backlog import columns
from bench.floor.messaging import consume, open_channel, persistent, print_ready
from persister.repository import INSERT_LISTINGS
from shared.wire.topology import DEDUP_RAW, EVENTS, PERSISTER_LISTINGS


async def relay(options: argparse.Namespace) -> None:
    """Consume from dedup's queue, and publish every other message to dedup's exchange."""
    channel = await open_channel(options.broker)
    events = await channel.get_exchange(EVENTS.name, ensure=False)
    seen = 0

    async def on_message(message: AbstractIncomingMessage) -> None:
        nonlocal seen
        seen += 1
        if seen % 2:
            await events.publish(persistent(message.message_id or "", message.body), "listing.detected")
        await message.ack()

    await consume(channel, DEDUP_RAW.name, DEDUP_RAW.prefetch, on_message)


async def batches(options: argparse.Namespace) -> None:
    """Write prepared rows, batch after batch, by the persister's own statement."""
    database = await asyncpg.connect(options.database)
    waiting = _batches(options)
    print_ready()
    for batch in waiting:
        await database.execute(INSERT_LISTINGS, *batch)


async def consumed_batches(options: argparse.Namespace) -> None:
    """Write a prepared batch whenever as many messages were delivered, without decoding them."""
    database = await asyncpg.connect(options.database)
    channel = await open_channel(options.broker)
    waiting = iter(_batches(options))
    handed_out = 0

    async def on_message(message: AbstractIncomingMessage) -> None:
        nonlocal handed_out
        handed_out += 1
        if handed_out % options.batch == 0:
            await database.execute(INSERT_LISTINGS, *next(waiting))
            await message.channel.basic_ack(message.delivery_tag or 0, multiple=True)

    await consume(channel, PERSISTER_LISTINGS.name, PERSISTER_LISTINGS.prefetch, on_message)


def _batches(options: argparse.Namespace) -> Sequence[Sequence[Sequence[object]]]:
    starts = range(0, options.rows, options.batch)
    return [columns(range(start, start + options.batch)) for start in starts]
