"""Answers that go on, as a stream of events does."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.access import tokens
from api.access.middleware import stream_guard
from tests.support.running.serving_api import ServedApi, serving_app
from tests.waiting import eventually


class PlainStream:
    """Sends a line every 10 ms for ever, as plain ASGI."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"data: plain\n\n", "more_body": True})
                await asyncio.sleep(0.01)
        finally:
            scope["app"].state.ended.append("plain")


async def _lines(app: FastAPI) -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"data: response\n\n"
            await asyncio.sleep(0.01)
    finally:
        app.state.ended.append("response")


def with_streams(app: FastAPI) -> None:
    ended: list[str] = []
    app.state.ended = ended
    app.get("/ended")(lambda: ended)

    async def stream() -> StreamingResponse:
        return StreamingResponse(_lines(app), media_type="text/event-stream")

    app.routes.append(Route("/plain", endpoint=PlainStream()))
    app.get("/response")(stream)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_app(database_url, with_streams) as served:
        yield served


@pytest.mark.parametrize("path", ["/plain", "/response"])
async def test_a_stream_comes_as_it_is_sent_and_longer_than_any_limit_on_requests(
    api: ServedApi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.access.middleware.connection.ARRIVAL_SECONDS_MAX", 0.2)
    monkeypatch.setattr("api.access.middleware.body_limit.BODY_SECONDS_MAX", 0.2)
    monkeypatch.setattr(stream_guard, "RECHECK_SECONDS", 0.05)
    loop = asyncio.get_running_loop()

    async with api.client.stream("GET", path) as answer:
        began = loop.time()
        async for line in answer.aiter_lines():
            assert line in {"", f"data: {path[1:]}"}
            if loop.time() - began > 1:
                break
        else:
            pytest.fail("the stream ended")

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/plain", "/response"])
async def test_a_stream_ends_soon_after_its_token(
    api: ServedApi, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stream_guard, "RECHECK_SECONDS", 0.05)
    value = await api.make_token("ops")

    async with api.bearer(value) as client, client.stream("GET", path) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await tokens.revoke(api.database, "ops", revoked_by="cli:test")
        async with asyncio.timeout(10):
            rest = [line async for line in lines]

    async def application_ended() -> bool:
        gc.collect()  # A generator that was left is closed as it is collected.
        ended: list[str] = (await api.client.get("/ended")).json()
        return ended == [path[1:]]

    await eventually(application_ended)
    assert set(rest) <= {"", f"data: {path[1:]}"}
    assert "failed" not in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/plain", "/response"])
async def test_without_a_token_no_stream_begins(api: ServedApi, path: str) -> None:
    async with api.stranger() as client:
        answer: httpx.Response = await client.get(path)

    assert answer.status_code == 401
