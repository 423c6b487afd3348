"""Requests that are too large, too slow, or meant to be read in two ways."""

import asyncio
from contextlib import suppress

import pytest

from api.access.middleware import body_limit, connection
from tests.support.running import raw_http
from tests.support.running.serving_api import ServedApi
from tests.waiting import eventually

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


def code_in(answer: raw_http.RawAnswer) -> str:
    return answer.text.rpartition('"code":"')[2].partition('"')[0]


async def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(shared_api: ServedApi) -> None:
    size = f"Content-Length: {body_limit.BODY_BYTES_MAX + 1}"

    answer = await raw_http.send(shared_api, raw_http.head(shared_api, "POST", "/session", JSON, size))

    assert (answer.statuses, code_in(answer)) == ([413], "body_too_large")


async def test_a_body_that_grows_too_large_unannounced_is_refused(shared_api: ServedApi) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"

    answer = await raw_http.send(
        shared_api, raw_http.head(shared_api, "POST", "/session", JSON, CHUNKED), *[chunk] * 17
    )

    assert (answer.statuses, code_in(answer)) == ([413], "body_too_large")


async def test_a_body_within_the_limit_is_read_whole(shared_api: ServedApi) -> None:
    body = b'{"token": "' + b"x" * (body_limit.BODY_BYTES_MAX - 13) + b'"}'
    assert len(body) == body_limit.BODY_BYTES_MAX

    async with shared_api.stranger() as client:
        answer = await client.post("/session", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 401


@pytest.mark.parametrize("end", ["", "\r\n\r\n"])
async def test_the_head_of_a_request_is_limited(shared_api: ServedApi, end: str) -> None:
    head = raw_http.head(shared_api, "GET", "/config", f"X: {'x' * 20_000}").removesuffix(b"\r\n\r\n")

    answer = await raw_http.send(shared_api, head + end.encode())

    assert (answer.statuses, code_in(answer)) == ([431], "head_too_large")
    assert "content-security-policy" in answer.text.lower()


async def test_a_body_that_comes_slowly_is_given_up(shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_SECONDS_MAX", 0.3)
    head = raw_http.head(shared_api, "POST", "/session", JSON, "Content-Length: 100")

    answer = await raw_http.send(shared_api, head, b"{")

    assert (answer.statuses, code_in(answer)) == ([408], "body_too_slow")


async def read_until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return what came, also where a byte was still under way when the server closed, which resets the connection."""
    came = b""
    with suppress(ConnectionResetError):
        while chunk := await reader.read(65536):
            came += chunk
    return came


async def drip(api: ServedApi, head: bytes, drops: bytes) -> raw_http.RawAnswer:
    """Send *head*, then a byte every 20 ms as long as the server takes them; return what it answered."""
    url = api.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    answer = asyncio.create_task(read_until_closed(reader))
    writer.write(head)
    for drop in drops:
        if answer.done():
            break
        writer.write(bytes([drop]))
        await asyncio.wait([answer], timeout=0.02)
    async with asyncio.timeout(5):
        text = (await answer).decode("latin-1")
    writer.close()
    return raw_http.RawAnswer(text)


async def test_a_head_that_comes_byte_by_byte_is_given_up(
    shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL_SECONDS_MAX", 0.3)

    answer = await drip(shared_api, b"GET /config HTTP/1.1\r\nHost: x\r\nX: ", b"x" * 1000)

    assert (answer.statuses, code_in(answer)) == ([408], "too_slow")


async def test_a_connection_on_which_nothing_comes_is_closed(
    shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL_SECONDS_MAX", 0.3)

    answer = await raw_http.send(shared_api)

    assert (answer.statuses, code_in(answer)) == ([408], "too_slow")


async def test_a_body_that_nothing_reads_does_not_keep_its_connection_for_ever(
    shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL_SECONDS_MAX", 0.3)
    url = shared_api.client.base_url
    head = f"PUT /config HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000\r\n\r\n".encode()

    answer = await drip(shared_api, head, b"x" * 1000)

    assert answer.statuses == [401]


async def test_requests_on_a_connection_that_is_kept_have_their_time_each(
    shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL_SECONDS_MAX", 0.5)
    url = shared_api.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    loop = asyncio.get_running_loop()
    until = loop.time() + 1.5
    asked = 0
    while loop.time() < until:
        writer.write(raw_http.head(shared_api, "GET", "/session"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"}")
        asked += 1

    assert asked > 1
    writer.write(b"GET /half")
    assert b" 408 " in await asyncio.wait_for(reader.read(), timeout=5)
    writer.close()


async def test_more_connections_than_there_is_room_for_are_refused_in_the_one_form(
    shared_api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 3)
    url = shared_api.client.base_url
    held = [await asyncio.open_connection(url.host, url.port) for _ in range(3)]

    async def refused() -> bool:
        answer = await raw_http.send(shared_api, raw_http.head(shared_api, "GET", "/config", "Connection: close"))
        return (answer.statuses, code_in(answer)) == ([503], "too_many_connections")

    await eventually(refused)
    for _, writer in held:
        writer.close()


SMUGGLED = "GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Smuggled: yes\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("Content-Length: 5", CHUNKED), f"0\r\n\r\n{SMUGGLED}"),
        ((CHUNKED, f"Content-Length: {len(SMUGGLED)}"), f"0\r\n\r\n{SMUGGLED}"),
        (("Content-Length: 5", "Content-Length: 6"), f"xxxxx{SMUGGLED}"),
        (("Content-Length: 5, 6",), f"xxxxx{SMUGGLED}"),
        (("Content-Length: +5",), f"xxxxx{SMUGGLED}"),
        (("Content-Length: 0x5",), f"xxxxx{SMUGGLED}"),
        (("Content-Length: -1",), SMUGGLED),
        (("Transfer-Encoding : chunked",), f"0\r\n\r\n{SMUGGLED}"),
        (("Transfer-Encoding: xchunked",), f"0\r\n\r\n{SMUGGLED}"),
        (("Transfer-Encoding: chunked, identity",), f"0\r\n\r\n{SMUGGLED}"),
        ((CHUNKED, "Transfer-Encoding: identity"), f"0\r\n\r\n{SMUGGLED}"),
        ((CHUNKED,), f"5;\r\nxxxxx\r\nzz\r\n{SMUGGLED}"),
        (("Host: other",), SMUGGLED),
        (("Authorization: Bearer x",), SMUGGLED),
        (("Cookie: a=1", "Cookie: sniper_session_1=b"), SMUGGLED),
        (("Origin: http://a", "Origin: http://b"), SMUGGLED),
        (("X-Bad\x00: 1",), SMUGGLED),
        (("No colon here",), SMUGGLED),
        (("X: a\nTransfer-Encoding: chunked",), f"0\r\n\r\n{SMUGGLED}"),
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_is_answered_once_and_the_connection_ends(
    shared_api: ServedApi, lines: tuple[str, ...], body: str
) -> None:
    head = raw_http.head(shared_api, "POST", "/session", JSON, *lines)

    answer = await raw_http.send(shared_api, head + body.encode("latin-1"))

    assert len(answer.statuses) == 1
    assert 400 <= answer.statuses[0] < 500
    assert '"scope"' not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "a@b", ""])
async def test_a_request_for_another_host_is_refused(shared_api: ServedApi, host: str) -> None:
    answer = await shared_api.client.get("/config", headers={"Host": host})

    assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")


async def test_a_client_that_leaves_in_the_middle_is_no_fault_of_ours(
    shared_api: ServedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    url = shared_api.client.base_url
    for part in (b"", b"GET /con", raw_http.head(shared_api, "POST", "/session", JSON, "Content-Length: 9") + b"{"):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(part)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    assert (await shared_api.client.get("/config")).status_code == 200
    assert "failed" not in capsys.readouterr().out
