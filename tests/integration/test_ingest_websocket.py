"""The ticker stream against servers that misbehave."""

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve

from ingest.source import SourceEvent, SymbolNames
from ingest.streams.ticker_stream import CHANNEL, FRAME_BYTES_MAX
from shared.events import Source, utc_now
from tests.support.data.wire import field
from tests.support.fakes.streams import (
    ACK,
    PONG,
    REFUSAL,
    Script,
    Server,
    Watch,
    following,
    hang_up,
    listening,
    reset,
    sending,
    silence,
    tickers,
)
from tests.waiting import eventually


async def test_frames_become_evidence_stamped_when_they_arrived() -> None:
    before = utc_now()
    async with following(Server(sending(ACK, tickers("BTCUSDT", "ABCUSDT"), then=silence))) as watch:
        await eventually(lambda: watch.evidence)

    [evidence] = watch.evidence
    assert isinstance(evidence, SymbolNames)
    assert not evidence.complete
    assert evidence.source is Source.MEXC_WEBSOCKET
    assert evidence.symbols == {"BTCUSDT", "ABCUSDT"}
    assert before <= evidence.observed_at <= utc_now()


async def test_item_of_a_frame_that_cannot_be_read_costs_neither_the_others_nor_the_connection() -> None:
    item = field(1, field(1, b"ABCUSDT") + field(2, b"1.5"))
    odd = field(1, field(1, b"\xff\xfe"))
    frame = field(1, CHANNEL.encode()) + field(310, odd + item)
    server = Server(sending(ACK, frame, then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.evidence)

        assert [evidence.symbols for evidence in watch.evidence if isinstance(evidence, SymbolNames)] == [{"ABCUSDT"}]
        assert (watch.metric("bad_frames"), server.connections) == (0, 1)
        assert watch.registry.get_sample_value("sniper_ingest_bad_items_total") == 1


async def test_stream_asks_for_the_tickers_and_pings_on_its_own_clock() -> None:
    server = Server(sending(ACK, tickers("BTCUSDT"), then=silence))
    async with following(server):
        await eventually(lambda: server.received.count('{"method":"PING"}') >= 3)

    first = server.received[0]
    assert json.loads(first) == {"method": "SUBSCRIPTION", "params": [CHANNEL], "id": 1}


async def test_answers_to_pings_are_neither_data_nor_errors() -> None:
    server = Server(sending(PONG, ACK, PONG, tickers("BTCUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.evidence)

        assert server.connections == 1
        assert watch.metric("bad_frames") == 0


async def test_refused_subscription_is_told_although_its_code_is_zero_and_tried_again() -> None:
    server = Server(sending(REFUSAL, then=silence))
    async with following(server) as watch:
        await eventually(lambda: "subscription refused: Not Subscribed" in watch.feed.trouble())
        assert "Reason： Blocked!" in watch.feed.trouble()

        server.scripts = [sending(ACK, tickers("BTCUSDT"), then=silence)]
        await eventually(lambda: watch.evidence)
        assert watch.feed.trouble() == ""


async def test_garbage_is_counted_and_dropped_and_the_connection_survives() -> None:
    garbage = (b"", b"\xff" * 64, "<html>", '{"msg":7}')
    server = Server(sending(*garbage, ACK, b"\x08\x96\x01", tickers("BTCUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.evidence)

        assert server.connections == 1
        assert watch.metric("bad_frames") == 5
        assert watch.symbols == ["BTCUSDT"]


async def test_text_that_is_not_utf8_costs_only_the_connection() -> None:
    async def lie(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe", text=True)
        await silence(connection)

    async with following(Server(lie, sending(ACK, tickers("BTCUSDT"), then=silence))) as watch:
        await eventually(lambda: watch.symbols == ["BTCUSDT"])


@pytest.mark.parametrize("first", [(), (ACK,), (ACK, b"\xff" * 8)])
async def test_open_connection_without_data_is_given_up(first: tuple[str | bytes, ...]) -> None:
    server = Server(sending(*first, then=silence), sending(ACK, tickers("ABCUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])

    assert server.connections == 2


@pytest.mark.parametrize("noise", ['{"id":0,"code":0,"msg":"PONG"}', b"\xff" * 8])
async def test_noise_does_not_hide_a_stall(noise: str | bytes) -> None:
    async def make_noise(connection: ServerConnection) -> None:
        await connection.send(ACK)
        while True:
            await asyncio.sleep(0.02)
            await connection.send(noise)

    server = Server(make_noise, sending(ACK, tickers("ABCUSDT"), then=silence))
    async with following(server, bad_frames_max=10_000) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])


@pytest.mark.parametrize("end", [hang_up, reset])
async def test_lost_connection_is_made_again_and_subscribed_again(end: Script) -> None:
    server = Server(sending(ACK, tickers("AAAUSDT"), then=end), sending(ACK, tickers("BBBUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["AAAUSDT", "BBBUSDT"])

        assert watch.metric("websocket_disconnects") == 1
        assert len([text for text in server.received if "SUBSCRIPTION" in str(text)]) == 2


async def test_giant_frame_costs_only_the_connection() -> None:
    server = Server(
        sending(ACK, b"\x00" * (FRAME_BYTES_MAX + 1), then=silence), sending(ACK, tickers("BTCUSDT"), then=silence)
    )
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["BTCUSDT"])


async def test_server_that_is_not_there_yet_is_tried_until_it_is() -> None:
    async with serve(hang_up, "127.0.0.1", 0) as closing:
        port = next(iter(closing.sockets)).getsockname()[1]
    watch = Watch(f"ws://127.0.0.1:{port}/ws")
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch.tickers().watch(watch.report))
        await eventually(lambda: watch.metric("websocket_disconnects") >= 2)
        async with serve(Server(sending(ACK, tickers("BTCUSDT"), then=silence)), "127.0.0.1", port, close_timeout=0.2):
            await eventually(lambda: watch.evidence)
            watching.cancel()


async def test_bug_over_one_frame_costs_that_frame_and_neither_the_next_nor_the_connection() -> None:
    taken: list[SourceEvent] = []

    async def fail_once(evidence: SourceEvent) -> bool:
        taken.append(evidence)
        if len(taken) == 1:
            raise OSError("a bug")
        return True

    server = Server(sending(ACK, tickers("BTCUSDT"), tickers("ABCUSDT"), then=silence))
    async with listening(server) as url:
        watch = Watch(url)
        watching = asyncio.create_task(watch.tickers().watch(fail_once))
        await eventually(lambda: len(taken) == 2)
        watching.cancel()
        await asyncio.wait([watching])

    assert (watch.metric("bad_frames"), watch.metric("disconnects"), server.connections) == (1, 0, 1)


@pytest.mark.parametrize("nothing", [tickers(), tickers("", "")], ids=["no item", "items without a name"])
async def test_push_of_no_symbols_is_no_sign_of_life(nothing: bytes) -> None:
    async def push_nothing(connection: ServerConnection) -> None:
        await connection.send(ACK)
        while True:
            await asyncio.sleep(0.02)
            await connection.send(nothing)

    server = Server(push_nothing, sending(ACK, tickers("ABCUSDT"), then=silence))
    async with following(server) as watch:
        await eventually(lambda: watch.symbols == ["ABCUSDT"])

        assert watch.metric("bad_frames") == 0


async def test_symbols_of_a_large_frame_are_all_reported_and_the_loop_runs_in_between() -> None:
    names = {f"A{number}USDT" for number in range(2_500)}
    server = Server(sending(ACK, tickers(*names), then=silence))
    async with following(server) as watch:
        await eventually(lambda: len(watch.symbols) >= len(names))

        assert set(watch.symbols) == names
        assert len(watch.evidence) == 3
        assert len({each.observed_at for each in watch.evidence}) == 1
