"""Frames that are garbage, giants, bombs or too many: no harm done, no memory taken."""

import asyncio
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ingest.source import SourceEvent
from tests.support.data.wire import field
from tests.support.fakes.streams import (
    ACK,
    Server,
    Watch,
    following,
    listening,
    names_of,
    sending,
    silence,
    tickers,
    watching,
)
from tests.waiting import eventually


async def test_connection_that_brings_nothing_but_garbage_is_made_again() -> None:
    async def pour(connection: ServerConnection) -> None:
        while True:
            await connection.send(b"\xff" * 64)

    server = Server(sending(ACK, then=pour), sending(ACK, tickers("ABCUSDT"), then=silence))
    async with following(server, bad_frames_max=7, stall_seconds=60) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])

        assert watch.metric("bad_frames") == 7


async def test_giant_frames_are_refused_unread_with_their_own_close_code() -> None:
    codes: list[int | None] = []

    async def announce_a_giant(connection: ServerConnection) -> None:
        await connection.send(ACK)
        # FIN and binary; the length, 1 GiB, is all that is ever sent of it.
        connection.transport.write(struct.pack("!BBQ", 0x82, 127, 1 << 30))
        await connection.wait_closed()
        codes.append(connection.close_code)

    server = Server(*[announce_a_giant] * 5, sending(ACK, tickers("ABCUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])

    assert codes == [1009] * 5


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to tell the resident memory")
async def test_zip_bombs_are_never_inflated() -> None:
    deflate = zlib.compressobj(wbits=-15)
    bomb = deflate.compress(bytes(64 * 1024 * 1024)) + deflate.flush(zlib.Z_SYNC_FLUSH)

    async def drop_a_bomb(connection: ServerConnection) -> None:
        await connection.send(ACK)
        # FIN, binary, and the bit that says that the payload is compressed.
        connection.transport.write(struct.pack("!BBQ", 0xC2, 127, len(bomb)) + bomb)
        await connection.wait_closed()

    server = Server(*[drop_a_bomb] * 20, sending(ACK, tickers("ABCUSDT"), then=silence))
    before = resident_bytes()
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])
        assert watch.metric("websocket_disconnects") == 20

    assert resident_bytes() - before < 32 * 1024 * 1024


async def test_server_that_compresses_unasked_is_not_followed() -> None:
    def compress(_: ServerConnection, __: Request, response: Response) -> None:
        response.headers["Sec-WebSocket-Extensions"] = "permessage-deflate"

    async with serve(Server(silence), "127.0.0.1", 0, process_response=compress) as running:
        watch = Watch(f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}")
        async with watching(watch, watch.tickers()):
            await eventually(lambda: watch.metric("websocket_disconnects") >= 2)


async def test_burst_waits_for_a_slow_reader_and_no_frame_of_it_is_dropped() -> None:
    frames, filler = 10_000, tickers("OLDUSDT") + field(99, bytes(10_000))
    sent = 0

    async def burst(connection: ServerConnection) -> None:
        nonlocal sent
        await connection.send(ACK)
        for number in range(frames):
            await connection.send(tickers(f"NEW{number}USDT") if number % 100 == 0 else filler)
            sent += 1
        await silence(connection)

    seen, may_go_on = list[str](), asyncio.Event()

    async def report_slowly(evidence: SourceEvent) -> bool:
        await may_go_on.wait()
        seen.extend(symbol for symbol in names_of(evidence) if symbol.startswith("NEW"))
        return True

    async with listening(Server(burst)) as url, asyncio.TaskGroup() as tasks:
        watch = Watch(url, stall_seconds=30)
        task = tasks.create_task(watch.tickers().watch(report_slowly))
        held = await settled(lambda: sent)
        assert held < frames / 2
        may_go_on.set()
        await eventually(lambda: sent == frames, within_seconds=30)
        await eventually(lambda: watch.metric("frames") == frames)
        task.cancel()

    assert seen == [f"NEW{number}USDT" for number in range(0, frames, 100)]


async def settled(look: Callable[[], int]) -> int:
    """Wait until a number has grown, and then not for a while; return it."""
    last, since = 0, asyncio.get_running_loop().time()

    def is_settled() -> bool:
        nonlocal last, since
        if look() != last:
            last, since = look(), asyncio.get_running_loop().time()
        return last > 0 and asyncio.get_running_loop().time() - since > 0.3

    await eventually(is_settled, within_seconds=20)
    return last


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
