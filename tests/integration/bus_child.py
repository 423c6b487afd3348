"""A process that publishes and handles messages on the in-process bus until killed, and prints its steps."""

import asyncio
import itertools
import sys
from collections.abc import Sequence

from shared.bus.port import Message
from tests.support.running.buses import EmbeddedBroker, a_message, a_queue, consuming

LISTINGS = a_queue()


def tell(what: str, body: bytes) -> None:
    print(what, body.decode(), flush=True)  # noqa: T201 - read by the test


async def handle(message: Message) -> Sequence[Message]:
    tell("handled", message.body)
    return ()


async def main(url: str) -> None:
    async with EmbeddedBroker(url).open(LISTINGS) as bus, consuming(bus, LISTINGS, handle):
        for number in itertools.count():
            body = b"%d" % number
            await bus.publish(a_message(body))
            tell("confirmed", body)


asyncio.run(main(sys.argv[1]))
