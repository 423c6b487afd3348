"""Connections replaced before the exchange cuts them, without a blind moment."""

import asyncio

from websockets.asyncio.server import ServerConnection

from ingest.source import SourceEvent
from tests.support.fakes.streams import (
    ACK,
    REFUSAL,
    Script,
    Server,
    Watch,
    following,
    hang_up,
    listening,
    names_of,
    sending,
    silence,
    tickers,
)
from tests.waiting import eventually


def ticking(symbol: str) -> Script:
    async def script(connection: ServerConnection) -> None:
        await connection.send(ACK)
        while True:
            await connection.send(tickers(symbol))
            await asyncio.sleep(0.02)

    return script


async def test_old_connection_stays_until_the_new_one_has_brought_data() -> None:
    may_tick = asyncio.Event()

    async def tick_when_told(connection: ServerConnection) -> None:
        await may_tick.wait()
        await ticking("NEWUSDT")(connection)

    server = Server(ticking("OLDUSDT"), tick_when_told)
    async with following(server, rotate_seconds=0.2, stall_seconds=5) as watch:
        await eventually(lambda: server.connections == 2)
        seen = len(watch.symbols)
        await eventually(lambda: len(watch.symbols) > seen + 5)
        assert server.open == 2
        assert set(watch.symbols) == {"OLDUSDT"}

        may_tick.set()
        await eventually(lambda: "NEWUSDT" in watch.symbols)
        await eventually(lambda: watch.symbols[-5:] == ["NEWUSDT"] * 5)
        assert watch.metric("websocket_rotations") >= 1
        assert watch.metric("websocket_disconnects") == 0


async def test_failed_rotation_keeps_the_old_connection_and_is_tried_again() -> None:
    refusing = sending(REFUSAL, then=silence)
    server = Server(ticking("OLDUSDT"), hang_up, refusing, sending(ACK, then=silence), ticking("NEWUSDT"))
    async with following(server, rotate_seconds=0.2, stall_seconds=0.3) as watch:
        await eventually(lambda: "NEWUSDT" in watch.symbols)

        assert watch.metric("websocket_disconnects") == 3
        assert watch.feed.trouble() == ""
        # All three failures passed while the first connection went on.
        assert len(watch.symbols) > 10
        await eventually(lambda: watch.symbols[-5:] == ["NEWUSDT"] * 5)


async def test_old_connection_that_dies_meanwhile_is_replaced_at_once() -> None:
    may_die = asyncio.Event()

    async def tick_until_told(connection: ServerConnection) -> None:
        await connection.send(ACK)
        await connection.send(tickers("OLDUSDT"))
        await may_die.wait()

    server = Server(tick_until_told, hang_up, ticking("NEWUSDT"))
    async with following(
        server, rotate_seconds=0.05, stall_seconds=60, retry_first_seconds=60, retry_max_seconds=60
    ) as watch:
        await eventually(lambda: watch.metric("websocket_disconnects") == 1)
        may_die.set()
        await eventually(lambda: "NEWUSDT" in watch.symbols)


async def test_frame_that_is_being_reported_when_its_connection_is_replaced_is_not_lost() -> None:
    may_go_on, reported = asyncio.Event(), list[str]()

    async def report_slowly(evidence: SourceEvent) -> bool:
        [symbol] = names_of(evidence)
        if symbol == "SLOWUSDT":
            await may_go_on.wait()
        reported.append(symbol)
        return True

    slow = sending(ACK, tickers("FIRSTUSDT"), tickers("SLOWUSDT"), then=silence)
    async with listening(Server(slow, ticking("NEWUSDT"))) as url, asyncio.TaskGroup() as tasks:
        watch = Watch(url, rotate_seconds=0.05, stall_seconds=60)
        watching = tasks.create_task(watch.tickers().watch(report_slowly))
        await eventually(lambda: watch.metric("websocket_rotations") >= 1)
        assert "SLOWUSDT" not in reported
        may_go_on.set()
        await eventually(lambda: "SLOWUSDT" in reported)
        watching.cancel()
