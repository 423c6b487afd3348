"""All websocket connections, and the loops that push market data to them."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress

from starlette.websockets import WebSocket
from uvicorn.server import ServerState

from simulator.connections import reset
from simulator.exchange import Exchange
from simulator.faults.kind import WEBSOCKET
from simulator.private.account_pushes import AccountPushes
from simulator.state_file import StateError
from simulator.stream.channels import Channel
from simulator.stream.session import Session
from simulator.stream.symbols import SymbolFeeds
from simulator.stream.tickers import TickerBoard
from simulator.stream.ticks import Tick

_INTERVALS_MS = (10, 100)
# How often a loop without subscribers looks for one.
_UNWATCHED_SECONDS = 0.1
_AS_IT_HAPPENS = 0
# Between looks for events of the account beside requests.
_ACCOUNT_SECONDS = 0.05
_INVALID_LISTEN_KEY = "Invalid listen key"


class Hub:
    def __init__(self, exchange: Exchange, connections: ServerState) -> None:
        self._exchange = exchange
        self._connections = connections
        self._sessions: set[Session] = set()
        self._board = TickerBoard(exchange.market.catalogue)
        self._scripted: set[str] = set()
        """Symbols of which nothing is pushed by itself."""
        self._account = AccountPushes(exchange)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection, from its handshake to its end."""
        if self._exchange.faults.take("ws_refuse_connection", WEBSOCKET):
            await websocket.close()
            return
        listen_key = websocket.query_params.get("listenKey")
        if listen_key is not None:
            if not self._exchange.listen_keys.is_valid(listen_key, self._exchange.now_ms()):
                await websocket.accept()
                await websocket.send_text(_INVALID_LISTEN_KEY)
                await websocket.close()
                return
            others = sum(each.listen_key == listen_key for each in self._sessions)
            if others >= self._exchange.settings.ws_per_listen_key_max:
                await websocket.close()
                return
        session = Session(websocket, self._exchange, listen_key)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)

    async def push(self) -> None:
        """Push until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._push_account(), name="simulator-push-account")
            tasks.create_task(self._push_tickers(), name="simulator-push-tickers")
            for interval_ms in _INTERVALS_MS:
                tasks.create_task(self._push_symbols(interval_ms), name=f"simulator-push-{interval_ms}ms")

    def subscriptions(self) -> list[list[str]]:
        """Return the channels of each connection."""
        return [sorted(session.subscriptions.channels) for session in self._sessions]

    def push_account(self) -> None:
        """Push the events of the account until now; they must be saved."""
        watched = self._watched(_AS_IT_HAPPENS)
        sessions_of = {channel.feed: sessions for channel, sessions in watched.items()}
        for feed, frame in self._account.take(sessions_of):
            self._send(sessions_of[feed], frame)

    def act_at_once(self) -> None:
        """Carry out the armed faults that wait for no request."""
        if self._exchange.faults.take("ws_disconnect", WEBSOCKET):
            for session in list(self._sessions):
                reset(self._connections, session.client)
        if self._exchange.faults.take("ws_listen_keys_expire", WEBSOCKET):
            self._exchange.listen_keys.expire_all()

    def script(self, symbol: str, ticks: Iterable[Tick]) -> int:
        """Push *ticks* of *symbol* now, and nothing else of it until it is unscripted; return how many were sent."""
        self._scripted.add(symbol)
        watched = [each for interval_ms in _INTERVALS_MS for each in self._watched(interval_ms).items()]
        sent = 0
        for tick in ticks:
            for channel, sessions in watched:
                if (channel.symbol, channel.feed) == (symbol, tick.feed):
                    self._send(sessions, tick.frame(channel.name, symbol, self._exchange.server_ms()))
                    sent += len(sessions)
        return sent

    def unscript(self, symbol: str) -> None:
        """Push what happens to *symbol* again."""
        self._scripted.discard(symbol)

    async def _push_tickers(self) -> None:
        settings = self._exchange.settings
        pushes = 0
        while True:
            await asyncio.sleep(settings.ticker_interval_seconds)
            now_ms = self._exchange.now_ms()
            changed = self._board.refresh(now_ms)
            items: Iterable[bytes] = self._board.items.values() if pushes % settings.ticker_full_every == 0 else changed
            pushes += 1
            for channel, sessions in self._watched(None).items():
                if frame := self._board.frame(channel, items, now_ms, self._exchange.server_ms()):
                    self._send(sessions, frame)

    async def _push_symbols(self, interval_ms: int) -> None:
        feeds = SymbolFeeds(self._exchange.market)
        while True:
            watched = self._watched(interval_ms)
            await asyncio.sleep(interval_ms / 1_000 if watched else _UNWATCHED_SECONDS)
            now_ms = self._exchange.now_ms()
            feeds.keep(watched)
            for channel, sessions in watched.items():
                if channel.symbol in self._scripted:
                    continue
                if frame := feeds.frame(channel, now_ms, self._exchange.server_ms()):
                    self._send(sessions, frame)

    async def _push_account(self) -> None:
        """Push events that no request brings about: fills of resting orders, coins that arrive."""
        while True:
            await asyncio.sleep(_ACCOUNT_SECONDS)
            if self._watched(_AS_IT_HAPPENS):
                with suppress(StateError):  # They are pushed once they are saved.
                    self._exchange.market.advance(self._exchange.now_ms())
                    self._exchange.save()
                    self.push_account()

    def _watched(self, interval_ms: int | None) -> dict[Channel, list[Session]]:
        watched: dict[Channel, list[Session]] = {}
        for session in self._sessions:
            for channel in session.subscriptions.channels.values():
                if channel.interval_ms == interval_ms:
                    watched.setdefault(channel, []).append(session)
        return watched

    def _send(self, sessions: list[Session], frame: bytes) -> None:
        faults = self._exchange.faults
        frames = [b"\xff" * 64] if faults.take("ws_garbage_frame", WEBSOCKET) else []
        if giant := faults.take("ws_giant_frame", WEBSOCKET):
            frames.append(os.urandom(giant.size_bytes))
        for session in sessions:
            for each in (*frames, frame):
                session.offer(each)
