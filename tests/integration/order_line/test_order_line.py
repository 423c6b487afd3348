"""The order line against servers that misbehave: exactly one request each, and always a true account of it."""

import asyncio
import datetime as dt
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from shared.events import Side
from shared.mexc.errors import NotSent, OutcomeUnknown
from shared.mexc.http.connection import Endpoint
from shared.mexc.orders.order_api import Answer, OrderRequest, SignedOrder
from shared.mexc.orders.order_connection import LineLimits, OrderLine
from tests.support.fakes.certificates import self_signed
from tests.support.fakes.loopback import (
    Behaviour,
    Loopback,
    answering,
    answering_then_closing,
    hanging,
    reply,
    resetting,
    serving,
)
from tests.waiting import eventually

PATH = "/api/v3/order/test"
QUERY = "symbol=BTCUSDT&signature=ab"
HEADERS = {"X-MEXC-APIKEY": "key", "Content-Type": "application/json"}
QUIET = LineLimits(reopen_seconds_min=60, reopen_seconds_max=60)
"""Leaves re-opening to the posts, so that a test sees only what it caused."""


ORDER = OrderRequest("BTCUSDT", Side.BUY, "MARKET", "abc-1", quantity=Decimal(1))


def signed(query: str = QUERY, headers: Mapping[str, str] = HEADERS) -> SignedOrder:
    return SignedOrder(ORDER, PATH, query, headers, 0)


@asynccontextmanager
async def line_to(behave: Behaviour, limits: LineLimits = QUIET) -> AsyncIterator[tuple[OrderLine, Loopback]]:
    async with serving(behave) as server, OrderLine(Endpoint.of(server.url), limits) as line:
        await line.ready()
        await eventually(lambda: server.connections)
        yield line, server


def within(answer_seconds: float) -> LineLimits:
    return replace(QUIET, answer_seconds=answer_seconds)


async def post(line: OrderLine) -> Answer:
    return await line.post(signed())


async def test_request_goes_out_byte_for_byte() -> None:
    async with line_to(answering(reply())) as (line, server):
        await post(line)

        [request] = server.requests
        assert request == (
            f"POST {PATH}?{QUERY} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            "X-MEXC-APIKEY: key\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"
        )


async def test_answer_carries_status_body_headers_and_times() -> None:
    body = b'{"code":429,"msg":"Too Many Requests"}'
    chatty = reply(body, status="429 Too Many Requests", headers="Retry-After: 7\r\nX-Trace: 1\r\n")
    async with line_to(answering(chatty)) as (line, _):
        before = dt.datetime.now(dt.UTC)
        answer = await post(line)

        assert (answer.status, answer.body) == (429, body)
        assert answer.headers == {"content-type": "application/json", "retry-after": "7"}
        assert before <= answer.sent_at <= answer.answered_at
        assert answer.latency_seconds > 0


async def test_posts_in_a_row_share_one_connection() -> None:
    async with line_to(answering(reply())) as (line, server):
        for _ in range(5):
            await post(line)

        assert len(server.requests) == 5
        assert len(server.connections) == 1


async def test_connection_does_not_wait_to_fill_packets() -> None:
    async with line_to(answering(reply())) as (line, _):
        assert line._idle is not None
        assert line._idle._transport is not None
        connected = line._idle._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize(
    "pieces",
    [
        [reply(b'{"a":1}')[:20], reply(b'{"a":1}')[20:]],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n", b'{"a\r\n4\r\n":1}\r\n0\r\n\r\n'],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n" + reply(b'{"a":1}')],
        [reply(b'{"a":1}', headers="Connection: close\r\n")],
    ],
    ids=["in pieces", "chunked", "after an informational reply", "with Connection: close"],
)
async def test_every_lawful_framing_is_read(pieces: list[bytes]) -> None:
    async with line_to(answering(*pieces)) as (line, server):
        first, second = await post(line), await post(line)

        assert first.body == second.body == b'{"a":1}'
        assert len(server.requests) == 2


async def test_body_that_ends_with_the_connection_is_read() -> None:
    async with line_to(answering_then_closing(b'HTTP/1.1 200 OK\r\n\r\n{"a":1}')) as (line, server):
        assert (await post(line)).body == b'{"a":1}'
        assert len(server.requests) == 1


async def test_redirect_is_an_answer_and_not_followed() -> None:
    moved = reply(b"", status="307 Temporary Redirect", headers=f"Location: {PATH}?again=1\r\n")
    async with line_to(answering(moved)) as (line, server):
        assert (await post(line)).status == 307
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "misbehave",
    [
        resetting,
        answering_then_closing(),
        answering_then_closing(reply(b'{"a":1}', length=500)),
        answering_then_closing(reply()[:25]),
        answering(b"\x16\x03\x01 this is not HTTP\r\n\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        answering(reply(b" " * 70_000)),
        answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000),
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        answering_then_closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    ],
    ids=[
        "reset", "closed", "half a body", "half a head", "garbage", "two lengths", "huge body", "huge head",
        "bad chunk", "no last chunk",
    ],
)  # fmt: skip
async def test_anything_but_a_whole_answer_leaves_the_outcome_unknown(misbehave: Behaviour) -> None:
    async with line_to(misbehave) as (line, server):
        with pytest.raises(OutcomeUnknown):
            await post(line)

        assert len(server.requests) == 1
        assert line._idle is None


async def test_unknown_outcome_does_not_spoil_the_next_post() -> None:
    async with line_to(resetting) as (line, server):
        with pytest.raises(OutcomeUnknown):
            await post(line)
        server.behave = answering(reply(b'{"second":1}'))

        assert (await post(line)).body == b'{"second":1}'
        assert len(server.requests) == 2


async def test_silence_until_the_deadline_leaves_the_outcome_unknown() -> None:
    async with line_to(hanging, within(0.1)) as (line, server):
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            await post(line)

        assert len(server.requests) == 1


async def test_trickling_does_not_move_the_deadline() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        for byte in reply(b" " * 1000):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    async with line_to(trickle, within(0.2)) as (line, server):
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown, match="TimeoutError"):
                await post(line)

        assert len(server.requests) == 1


async def test_late_answer_is_not_taken_for_the_next_one() -> None:
    release = asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(reply(b'{"late":1}'))

    async with line_to(late, within(0.5)) as (line, server):
        with pytest.raises(OutcomeUnknown):
            await post(line)
        server.behave = answering(reply(b'{"own":1}'))
        release.set()

        assert (await post(line)).body == b'{"own":1}'


async def test_bytes_nobody_asked_for_end_the_connection_before_they_pass_for_an_answer() -> None:
    async with line_to(answering(reply(b'{"own":1}'))) as (line, server):
        server.connections[0].write(reply(b'{"stray":1}'))
        await eventually(lambda: line._idle is None)

        assert (await post(line)).body == b'{"own":1}'
        assert len(server.connections) == 2


async def test_surplus_after_an_answer_ends_the_connection() -> None:
    async with line_to(answering(reply(b'{"own":1}') + reply(b'{"stray":1}'))) as (line, server):
        assert (await post(line)).body == b'{"own":1}'
        assert (await post(line)).body == b'{"own":1}'
        assert len(server.connections) == 2


async def test_connection_closed_while_idle_is_replaced_and_nothing_is_lost() -> None:
    async with line_to(answering(reply())) as (line, server):
        server.connections[0].close()
        await eventually(lambda: line._idle is None)

        assert (await post(line)).status == 200
        assert len(server.requests) == 1
        assert len(server.connections) == 2


async def test_end_of_connection_the_loop_has_not_read_yet_is_seen_before_writing() -> None:
    async with line_to(answering(reply())) as (line, server):
        with socket.socket(fileno=os.dup(server.connections[0].get_extra_info("socket").fileno())) as accepted:
            accepted.shutdown(socket.SHUT_WR)

        assert (await post(line)).status == 200  # Nothing ran between the server's end and our write.
        assert len(server.requests) == 1
        assert len(server.connections) == 2


async def test_what_may_not_be_written_once_the_line_has_connected_is_not_and_the_line_stays_good() -> None:
    async with line_to(answering(reply())) as (line, server):
        server.connections[0].close()
        await eventually(lambda: not line.is_ready)
        with pytest.raises(NotSent, match="HeldBackError"):
            await line.post(signed(), may_write=lambda: False)
        await eventually(lambda: len(server.connections) == 2)
        assert (await post(line)).status == 200
        assert (len(server.requests), len(server.connections)) == (1, 2)


async def test_idle_connection_is_reopened_in_the_background() -> None:
    eager = LineLimits(reopen_seconds_min=0.01, reopen_seconds_max=0.05)
    async with line_to(answering(reply()), eager) as (line, server):
        server.connections[0].close()

        await eventually(lambda: len(server.connections) == 2 and line.is_ready)
        await post(line)
        assert len(server.connections) == 2


async def test_idle_connection_is_replaced_before_it_grows_old() -> None:
    restless = LineLimits(refresh_seconds=0.05, reopen_seconds_min=0.01, reopen_seconds_max=0.05)
    async with line_to(answering(reply()), restless) as (line, server):
        await eventually(lambda: len(server.connections) >= 3)

        assert (await post(line)).status == 200
        await eventually(server.connections[0].is_closing)
        assert len(server.requests) == 1


async def test_replacing_the_idle_connection_leaves_a_request_under_way_alone() -> None:
    release = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(reply(b'{"slow":1}'))

    restless = LineLimits(refresh_seconds=0.02, reopen_seconds_min=0.01, reopen_seconds_max=0.02)
    async with line_to(slow, restless) as (line, server), asyncio.TaskGroup() as tasks:
        posting = tasks.create_task(post(line))
        await server.arrived.wait()
        refreshed = len(server.connections) + 2
        await eventually(lambda: len(server.connections) >= refreshed)
        release.set()

        assert (await posting).body == b'{"slow":1}'
        assert len(server.requests) == 1


async def test_server_that_closes_every_connection_is_not_besieged() -> None:
    async def never(_: asyncio.StreamWriter) -> None: ...

    async with serving(never) as server:
        limits = LineLimits(reopen_seconds_min=0.05, reopen_seconds_max=60)
        async with OrderLine(Endpoint.of(server.url), limits):
            closed = 0
            deadline = asyncio.get_running_loop().time() + 0.5
            while asyncio.get_running_loop().time() < deadline:
                for connection in server.connections[closed:]:
                    connection.transport.abort()
                closed = len(server.connections)
                await asyncio.sleep(0.01)
        # Pauses of at least 0.05, 0.1, 0.2 and 0.4 s.
        assert 1 <= len(server.connections) <= 4


async def test_nothing_listening_means_not_sent() -> None:
    async with serving(hanging) as server:
        endpoint = Endpoint.of(server.url)
    async with OrderLine(endpoint, QUIET) as line:
        with pytest.raises(NotSent, match="not written"):
            await post(line)
        assert not line.is_ready


async def test_connection_ended_as_soon_as_accepted_is_no_hang() -> None:
    class Closing(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    server = await asyncio.get_running_loop().create_server(Closing, "127.0.0.1", 0)
    async with server, OrderLine(Endpoint.of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), QUIET) as line:
        async with asyncio.timeout(10):
            with pytest.raises(NotSent):
                await post(line)


async def test_handshake_that_never_ends_means_not_sent() -> None:
    async with serving(hanging) as server:
        endpoint = Endpoint.of(f"https://127.0.0.1:{server.port}")
        async with OrderLine(endpoint, within(0.1)) as line:
            with pytest.raises(NotSent, match="TimeoutError"):
                await post(line)
        assert server.requests == []


async def test_unsendable_characters_are_refused_without_quoting_them() -> None:
    async with line_to(answering(reply())) as (line, server):
        for query in ("a=1 2", "a=1\r\nX: y", "a=\u00e9"):
            with pytest.raises(ValueError, match="percent-encoded") as refused:
                await line.post(signed(query=query))
            assert query not in str(refused.value)
        with pytest.raises(ValueError, match="header") as refused:
            await line.post(signed(headers={"X-MEXC-APIKEY": "sesame\r\nX: y"}))

        assert "sesame" not in str(refused.value)
        assert server.requests == []


async def test_posts_take_turns() -> None:
    under_way = most = 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        writer.write(reply())

    async with line_to(count) as (line, server):
        await asyncio.gather(*(post(line) for _ in range(5)))

        assert most == 1
        assert len(server.requests) == 5


async def test_post_whose_turn_never_comes_is_not_sent() -> None:
    async with line_to(hanging, within(0.5)) as (line, server), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(expect_unknown(line))
        await server.arrived.wait()
        line._limits = within(0.05)  # The turn of one that waits as long would come before its time is over.
        with pytest.raises(NotSent, match="TimeoutError"):
            await post(line)

        assert not first.done()
        await first
        assert len(server.requests) == 1


async def expect_unknown(line: OrderLine) -> None:
    with pytest.raises(OutcomeUnknown):
        await post(line)


async def test_cancelling_after_the_write_says_so_and_drops_the_connection() -> None:
    async with line_to(hanging) as (line, server):
        posting = asyncio.create_task(post(line))
        await server.arrived.wait()
        posting.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await posting

        assert isinstance(cancelled.value.__cause__, OutcomeUnknown)
        assert line._idle is None
        server.behave = answering(reply())
        assert (await post(line)).status == 200
        assert len(server.requests) == 2


async def test_cancelling_before_the_write_says_so() -> None:
    async with line_to(hanging, within(0.5)) as (line, server), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(expect_unknown(line))
        await server.arrived.wait()
        waiting = asyncio.create_task(post(line))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await waiting

        assert isinstance(cancelled.value.__cause__, NotSent)
        await first
        assert len(server.requests) == 1


async def test_timeout_around_a_post_stays_a_timeout() -> None:
    async with line_to(hanging) as (line, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await post(line)


async def test_closed_line_sends_nothing() -> None:
    async with line_to(answering(reply())) as (line, server):
        pass
    with pytest.raises(NotSent):
        await post(line)
    assert server.requests == []


async def test_order_travels_over_tls_when_the_certificate_is_trusted(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with serving(answering(reply()), tls=served) as server:
        async with OrderLine(Endpoint.of(server.url, trusting), QUIET) as line:
            await line.ready()
            for _ in range(3):
                assert (await post(line)).status == 200
        assert len(server.requests) == 3
        assert len(server.connections) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_request_leaves_at_once_and_not_when_the_loop_has_done_everything_else(
    scheme: str, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with serving(answering(reply()), tls=served if scheme == "https" else None) as server:
        async with OrderLine(Endpoint.of(server.url, trusting), QUIET) as line:
            await line.ready()
            await eventually(lambda: server.connections)
            assert line._idle is not None
            arriving = server.connections[0].get_extra_info("socket")
            assert select.select([arriving], [], [], 0)[0] == []

            exchange = line._idle.exchange(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", deadline=float("inf"))
            exchange.send(None)  # As far as it gets without the loop.
            arrived = select.select([arriving], [], [], 5)[0]
            exchange.close()

        assert arrived == [arriving]


async def test_untrusted_certificate_means_not_sent(tmp_path: Path) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(self_signed(tmp_path))
    async with serving(answering(reply()), tls=served) as server:
        async with OrderLine(Endpoint.of(server.url), QUIET) as line:
            with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                await post(line)
        assert server.requests == []
