"""Everything is behind the gate but what is named, and writing needs more than viewing."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.access.middleware.authentication import OPEN, SIGN_OUT
from api.access.principal import Scope
from api.app import create_app
from api.app_state import build_app_state
from api.settings import ApiSettings
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from tests.support.running.serving_api import ServedApi

NAMED = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/sign-in"),
    ("GET", "/sign-in.css"),
    ("POST", "/session"),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")


def routes_of(app: FastAPI) -> Sequence[tuple[str, str]]:
    """Return method and path of everything that *app* serves, with something in the place of parameters."""
    undescribed = {
        (method, path)
        for route in app.routes
        if (path := getattr(route, "path", None)) is not None
        for method in getattr(route, "methods", None) or {"GET"}
    }
    described = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    everything = undescribed | described
    return sorted((method, re.sub(r"\{[^}]+\}", "1", path)) for method, path in everything if method != "HEAD")


def served_routes(runtime: Runtime) -> Sequence[tuple[str, str]]:
    # Its metrics are counted by the one that is served.
    apart = replace(runtime, telemetry=Telemetry())
    return routes_of(create_app(build_app_state(apart), ApiSettings()))


def test_what_is_open_is_what_is_named() -> None:
    assert OPEN == NAMED


async def test_nothing_is_served_without_a_token_but_what_is_named(shared_api: ServedApi) -> None:
    routes = served_routes(shared_api.runtime)
    asked = {*routes, *((method, path) for _, path in routes for method in METHODS)} - NAMED
    asked -= {("HEAD", path) for method, path in NAMED if method == "GET"}

    async with shared_api.stranger() as stranger:
        answers = {(method, path): await stranger.request(method, path) for method, path in sorted(asked)}

    assert len(asked) > 60
    assert {each: answer.status_code for each, answer in answers.items() if answer.status_code != 401} == {}
    for (method, _), answer in answers.items():
        assert answer.headers["www-authenticate"] == "Bearer"
        if method != "HEAD":
            assert answer.json() == {
                "code": "unauthenticated",
                "message": "a token or a session is needed",
                "details": {},
            }


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "//health/live",
        "/health/live/",
        "/health/live/..",
        "/health/live/../../config",
        "/health/live%00",
        "/HEALTH/LIVE",
        "/sign-in/",
        "/sign-in/../config",
        "/sign-in%2f..%2fconfig",
        "/sign-in.css/config",
        "/config;/sign-in",
        "/openapi.json",
        "/docs",
        "http://127.0.0.1/sign-in",
    ],
)
async def test_no_spelling_of_a_path_gets_by(shared_api: ServedApi, path: str) -> None:
    from tests.support.running import raw_http

    url = shared_api.client.base_url
    answer = await raw_http.send(
        shared_api, f"GET {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nConnection: close\r\n\r\n".encode()
    )

    assert answer.statuses == [401]


async def test_every_write_by_a_token_that_may_only_view_is_refused(shared_api: ServedApi) -> None:
    value = await shared_api.make_token("viewer")
    writes = [(method, path) for method, path in served_routes(shared_api.runtime) if method != "GET"]

    async with shared_api.bearer(value) as viewer:
        assert (await viewer.get("/config")).status_code == 200
        answers = {each: await viewer.request(*each, json={}) for each in writes}
        unrouted = await viewer.request("PATCH", "/nothing")

    assert SIGN_OUT in answers
    assert {each: answer.status_code for each, answer in answers.items() if answer.status_code != 403} == {}
    assert {answer.json()["code"] for each, answer in answers.items() if each != SIGN_OUT} == {"view_only"}
    assert unrouted.status_code == 403


async def test_a_token_that_may_operate_gets_past_the_gate_on_every_write(shared_api: ServedApi) -> None:
    writes = [(method, path) for method, path in served_routes(shared_api.runtime) if method != "GET"]

    answers = {each: await shared_api.client.request(*each, content=b"") for each in writes if each != SIGN_OUT}

    assert {each: answer.status_code for each, answer in answers.items() if answer.status_code in {401, 403}} == {}


async def test_a_browser_that_is_not_signed_in_is_led_to_the_page_where_it_can(shared_api: ServedApi) -> None:
    async with shared_api.stranger(Accept="text/html,application/xhtml+xml") as browser:
        answers = [await browser.get(path) for path in ("/", "/listings", "/nothing")]
        page = await browser.get("/sign-in")
        style = await browser.get("/sign-in.css")
        write = await browser.put("/config", json={})

    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, "/sign-in")}
    assert all(answer.content == b"" for answer in answers)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert write.status_code == 401


async def test_the_sign_in_page_has_nothing_inline_and_nothing_from_elsewhere(shared_api: ServedApi) -> None:
    async with shared_api.stranger() as stranger:
        page = (await stranger.get("/sign-in")).text

    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|//", page.replace("<!doctype html>", ""))
    assert re.findall(r'(?:href|src|action)="([^"]*)"', page) == ["data:,", "/sign-in.css", "/session"]


@pytest.mark.parametrize("path", ["/sign-in", "/config", "/nothing", "/listings?limit=0", "/health/live"])
async def test_every_answer_carries_the_headers_that_keep_browsers_strict(shared_api: ServedApi, path: str) -> None:
    async with shared_api.stranger() as stranger:
        answers = [await shared_api.client.get(path), await stranger.get(path)]

    for answer in answers:
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "server" not in answer.headers
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_no_page_of_another_origin_may_read_an_answer(shared_api: ServedApi) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}

    read = await shared_api.client.get("/config", headers=headers)
    preflight = await shared_api.client.options("/config", headers=headers)

    assert read.status_code == 200
    assert preflight.status_code == 403
    assert not [name for name in (*read.headers, *preflight.headers) if name.startswith("access-control-")]


async def test_failures_of_any_kind_have_one_form(shared_api: ServedApi) -> None:
    client = shared_api.client
    answers = {
        "not_found": await client.get("/nothing"),
        "method_not_allowed": await client.put("/listings", json={}),
        "invalid": await client.get("/listings", params={"limit": 0}),
        "unauthenticated": await client.get("/config", headers={"Authorization": "Bearer nonsense"}),
        "cross_origin": await client.post("/session", headers={"Origin": "https://evil.example"}),
        "body_too_large": await client.post("/session", content=b"x" * 100_000),
        "unknown_host": await client.get("/config", headers={"Host": "evil.example"}),
        "unsupported_media_type": await client.post("/session", content=b"x"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "not_found": 404,
        "method_not_allowed": 405,
        "invalid": 422,
        "unauthenticated": 401,
        "cross_origin": 403,
        "body_too_large": 413,
        "unknown_host": 421,
        "unsupported_media_type": 415,
    }
    for name, answer in answers.items():
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert list(body) == ["code", "message", "details"]
        assert (body["code"], isinstance(body["details"], dict)) == (name, True)
        assert body["message"]


async def test_the_scope_of_a_token_is_what_its_session_may_do(shared_api: ServedApi) -> None:
    value = await shared_api.make_token("operator", Scope.OPERATE)

    async with shared_api.bearer(value) as client:
        who = (await client.get("/session")).raise_for_status().json()

    assert who == {"name": "operator", "scope": "operate", "expires_at": None}
