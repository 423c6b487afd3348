"""One websocket connection: its control frames, its outgoing queue, and its time limits."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.exchange import Exchange
from simulator.faults.kind import WEBSOCKET
from simulator.stream.subscriptions import Subscriptions
from simulator.stream.time_limits import TimeLimits

# A reader this many frames behind is cut off.
_WAITING_MAX = 1_000
_CLOSED_BY_POLICY = 1000


class Session:
    def __init__(self, websocket: WebSocket, exchange: Exchange, listen_key: str | None) -> None:
        self._websocket = websocket
        self._exchange = exchange
        self.listen_key = listen_key
        self._settings = exchange.settings
        self._faults = exchange.faults
        self._outbox: asyncio.Queue[bytes | str] = asyncio.Queue(_WAITING_MAX)
        self._overrun = asyncio.Event()
        self._limits = TimeLimits(exchange.settings, time.monotonic())
        self.client = websocket.client
        self.subscriptions = Subscriptions(
            self._settings.ws_subscriptions_max,
            lambda: bool(self._faults.take("ws_refuse_subscription", WEBSOCKET)),
            has_listen_key=listen_key is not None,
        )

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        await self._websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(), name="simulator-websocket-reader")
            writing = tasks.create_task(self._write(), name="simulator-websocket-writer")
            overrun = tasks.create_task(self._overrun.wait(), name="simulator-websocket-overrun")
            done: Collection[object] = ()
            while not done and (seconds := self._seconds_left()) > 0:
                done, _ = await asyncio.wait(
                    {reading, writing, overrun}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                )
            open_still = not reading.done()
            for task in (reading, writing, overrun):
                task.cancel()
        if open_still:
            with suppress(WebSocketDisconnect, RuntimeError):  # The client was faster.
                await self._websocket.close(_CLOSED_BY_POLICY)

    def offer(self, frame: bytes | str) -> None:
        """Queue *frame* for sending; a full queue ends the connection."""
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._overrun.set()

    async def _read(self) -> None:
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            self._limits.note_traffic(time.monotonic())
            # Control frames are text; MEXC defines no binary ones.
            if (text := message.get("text")) is not None:
                self.offer(self.subscriptions.answer(text).decode())
                if self.subscriptions.channels:
                    self._limits.note_subscription(time.monotonic())

    async def _write(self) -> None:
        try:
            while True:
                frame = await self._outbox.get()
                # Nothing comes any more once the listenKey is void, as on MEXC.
                key, keys = self.listen_key, self._exchange.listen_keys
                is_void = key is not None and not keys.is_valid(key, self._exchange.now_ms())
                if is_void or self._faults.active("ws_silence"):
                    continue
                self._limits.note_traffic(time.monotonic())
                await (
                    self._websocket.send_text(frame) if isinstance(frame, str) else self._websocket.send_bytes(frame)
                )
        except WebSocketDisconnect:
            return

    def _seconds_left(self) -> float:
        now = time.monotonic()
        if self.subscriptions.channels:
            self._limits.note_subscription(now)
        return self._limits.seconds_left(now)
