"""The floor of a raw event: one publish, confirmed by the broker."""

import argparse
import asyncio
import time

import aio_pika

from bench.floor.messaging import open_channel, print_ready
from shared.events import Source
from shared.wire.topology import RAW


async def confirm(options: argparse.Namespace) -> None:
    """Publish each body from the trigger's connection, and answer the nanoseconds until its confirm."""
    channel = await open_channel(options.broker)
    raw = await channel.get_exchange(RAW.name, ensure=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", options.trigger)
    print_ready()
    async for line in reader:
        body = line.rstrip()
        started = time.perf_counter_ns()
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await raw.publish(message, f"raw.{Source.MEXC_WEBSOCKET}", mandatory=True)
        writer.write(f"{time.perf_counter_ns() - started}\n".encode())
