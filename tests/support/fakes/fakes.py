"""Stand-ins for what a unit test does not start."""

import asyncio

from shared.bus.port import Handler, Message, Queue


class RecordingBus:
    """A bus that keeps what is published and delivers nothing."""

    def __init__(self) -> None:
        self.published: list[Message] = []

    async def publish(self, message: Message, /) -> None:
        self.published.append(message)

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        await until.wait()

    def is_connected(self) -> bool:
        return True
