"""Sign-in by token and by link, and the sessions they start."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest

from api.access import sessions, tokens
from api.access.principal import Scope
from tests.support.running.serving_api import ServedApi, serving_api
from tests.support.running.signing_in import browser, execute, session_in, signed_in_browser, until_looked_up_again

FORMED = {"Accept": "text/html"}


@pytest.fixture
async def signed_in(api: ServedApi) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a session of a token that may operate."""
    async with signed_in_browser(api, await api.make_token("ops", Scope.OPERATE)) as client:
        yield client


async def link_of(api: ServedApi) -> str:
    return f"/sign-in?link={await sessions.make_link(api.database, created_by='cli:test')}"


async def count(api: ServedApi, table: str) -> int:
    async with api.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_link_signs_in_once(api: ServedApi) -> None:
    link = await link_of(api)

    async with browser(api) as first, browser(api) as second:
        welcome = await first.get(link)
        who = await first.get("/session")
        replayed = await second.get(link)
        refused = await second.get("/session")

    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    assert who.json()["name"] == "local"
    assert who.json()["scope"] == "operate"
    assert (replayed.status_code, replayed.json()["code"]) == (401, "expired")
    assert "set-cookie" not in replayed.headers
    assert refused.status_code == 401


async def test_of_many_that_come_with_one_link_at_once_one_is_signed_in(api: ServedApi) -> None:
    link = await link_of(api)

    async with api.stranger() as client:
        answers = await asyncio.gather(*(client.get(link) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [303, *[401] * 9]
    assert await count(api, "sessions") == 1


async def test_a_link_that_is_too_old_signs_nobody_in_and_says_how_to_get_another(api: ServedApi) -> None:
    link = await link_of(api)
    await execute(api, "UPDATE sign_in_links SET expires_at = now()")

    async with api.stranger(**FORMED) as client:
        answer = await client.get(link)

    assert answer.status_code == 401
    assert "too old: ask for another with `sniper sign-in`" in answer.text
    assert await count(api, "sessions") == 0


async def test_a_link_of_a_token_that_was_revoked_is_of_no_use(api: ServedApi) -> None:
    link = await link_of(api)
    await tokens.revoke(api.database, tokens.LOCAL, revoked_by="cli:test")

    async with api.stranger() as client:
        assert (await client.get(link)).status_code == 401


async def test_looking_ahead_does_not_use_a_link_up(api: ServedApi) -> None:
    link = await link_of(api)

    async with api.stranger() as client:
        head = await client.head(link)
        ahead = await client.get(link, headers={"Sec-Purpose": "prefetch;prerender"})
        meant = await client.get(link)

    assert (head.status_code, ahead.status_code, meant.status_code) == (200, 200, 303)
    assert "set-cookie" not in {*head.headers, *ahead.headers}


@pytest.mark.parametrize(
    "link", ["", "nonsense", "snl_0123456789abcdef." + "a" * 43, "snt_0123456789abcdef." + "a" * 43]
)
async def test_a_link_that_never_was_signs_nobody_in(shared_api: ServedApi, link: str) -> None:
    async with shared_api.stranger() as client:
        answer = await client.get("/sign-in", params={"link": link})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "set-cookie" not in answer.headers


async def test_a_link_is_no_token_and_a_token_no_link_and_a_session_neither(api: ServedApi) -> None:
    link = (await link_of(api)).partition("=")[2]
    token = await api.make_token("ops", Scope.OPERATE)
    async with browser(api) as client:
        (await client.post("/session", json={"token": token})).raise_for_status()
        session = session_in(client)

    async with api.stranger() as client:
        as_token = [
            await client.get("/config", headers={"Authorization": f"Bearer {each}"}) for each in (link, session)
        ]
        as_link = [await client.get("/sign-in", params={"link": each}) for each in (token, session)]
        as_body = [await client.post("/session", json={"token": each}) for each in (link, session)]
    async with api.stranger(Cookie=f"sniper_session_{api.client.base_url.port}={token}") as client:
        as_session = await client.get("/config")

    assert {answer.status_code for answer in (*as_token, *as_link, *as_body, as_session)} == {401}


async def test_a_token_in_the_form_signs_in_and_leads_to_the_dashboard(api: ServedApi) -> None:
    value = await api.make_token("ops", Scope.OPERATE)

    async with browser(api) as client:
        answer = await client.post("/session", data={"token": f" {value} "}, headers=FORMED)
        who = await client.get("/session")

    [(name, morsel)] = SimpleCookie(answer.headers["set-cookie"]).items()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert name == f"sniper_session_{api.client.base_url.port}"
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "Strict", "/", "")
    assert morsel.value != value
    assert who.json()["name"] == "ops"


async def test_a_wrong_token_in_the_form_shows_the_page_again_with_what_is_wrong(api: ServedApi) -> None:
    async with browser(api) as client:
        answer = await client.post("/session", data={"token": "wrong"}, headers=FORMED)

    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert '<p role="alert">The token or session is not known.</p>' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"json": {}}, "token"),
        ({"json": {"token": 1}}, "token"),
        ({"json": {"token": "x", "more": 1}}, "more"),
        ({"json": []}, "body"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, "body"),
        ({"data": {"other": "x"}}, "token"),
        ({"content": b"token=a&token=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, "token"),
    ],
)
async def test_a_body_without_a_token_is_refused_by_field(
    shared_api: ServedApi, sent: dict[str, object], field: str
) -> None:
    async with shared_api.stranger() as client:
        answer = await client.request("POST", "/session", **sent)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert field in [each["field"] for each in answer.json()["details"]["fields"]]


async def test_the_id_of_a_session_is_never_one_that_the_browser_brought(api: ServedApi) -> None:
    value = await api.make_token("victim", Scope.OPERATE)
    theirs = await api.make_token("attacker")
    name = f"sniper_session_{api.client.base_url.port}"
    async with browser(api) as attacker:
        (await attacker.post("/session", json={"token": theirs})).raise_for_status()
        planted = session_in(attacker)

    for brought in (planted, "sns_0123456789abcdef." + "a" * 43, "chosen"):
        async with browser(api) as victim:
            victim.cookies.set(name, brought, domain=api.client.base_url.host)
            (await victim.post("/session", json={"token": value})).raise_for_status()
            assert (await victim.get("/session")).json()["name"] == "victim"
            assert session_in(victim) != brought
        async with api.stranger(Cookie=f"{name}={brought}") as attacker:
            assert (await attacker.get("/session")).status_code == 401


async def test_to_sign_in_anew_ends_the_session_before(api: ServedApi, signed_in: httpx.AsyncClient) -> None:
    before = session_in(signed_in)
    value = await api.make_token("other")

    (await signed_in.post("/session", json={"token": value})).raise_for_status()

    assert (await signed_in.get("/session")).json()["name"] == "other"
    async with api.stranger(Cookie=f"sniper_session_{api.client.base_url.port}={before}") as client:
        assert (await client.get("/config")).status_code == 401


async def test_after_sign_out_the_session_is_over_at_once_and_for_good(
    api: ServedApi, signed_in: httpx.AsyncClient
) -> None:
    session = session_in(signed_in)

    answer = await signed_in.delete("/session")
    async with api.stranger(Cookie=f"sniper_session_{api.client.base_url.port}={session}") as thief:
        refused = await thief.get("/config")

    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert list(signed_in.cookies.jar) == []
    assert (refused.status_code, refused.json()["code"]) == (401, "expired")


async def test_a_session_that_may_only_view_can_end_itself_and_nothing_else(api: ServedApi) -> None:
    value = await api.make_token("viewer")

    async with browser(api) as client:
        (await client.post("/session", json={"token": value})).raise_for_status()
        refused = await client.put("/config", json={})
        ended = await client.delete("/session")

    assert (refused.status_code, refused.json()["code"]) == (403, "view_only")
    assert ended.status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
)
async def test_a_write_that_a_page_of_another_origin_forged_is_refused(
    api: ServedApi, signed_in: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async with api.stranger(**headers, Cookie=f"{next(iter(signed_in.cookies))}={session_in(signed_in)}") as forger:
        answers = [await forger.request(*each) for each in (("DELETE", "/session"), ("PUT", "/config"))]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "cross_origin")}
    assert (await signed_in.get("/session")).status_code == 200


async def test_a_page_on_another_port_of_this_host_reads_nothing(api: ServedApi, signed_in: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}

    assert (await signed_in.get("/config")).status_code == 200
    assert (await signed_in.get("/config", headers=headers)).json()["code"] == "cross_origin"
    assert (await api.client.get("/config", headers=headers)).status_code == 200


async def test_a_page_of_another_origin_cannot_sign_a_browser_in(api: ServedApi) -> None:
    value = await api.make_token("attacker")

    async with api.stranger(Origin="https://evil.example") as client:
        answer = await client.post("/session", data={"token": value})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert await count(api, "sessions") == 0


@pytest.mark.parametrize(
    ("settings", "aged"),
    [
        ({"session_idle_seconds": 600}, "last_used_at = now() - interval '601 seconds'"),
        ({"session_seconds_max": 600}, "created_at = now() - interval '601 seconds'"),
    ],
)
async def test_a_session_ends_when_it_is_not_used_and_when_it_is_old(
    database_url: str, settings: dict[str, int], aged: str
) -> None:
    async with serving_api(database_url, **settings) as api:
        value = await api.make_token("ops")
        async with browser(api) as client:
            (await client.post("/session", json={"token": value})).raise_for_status()
            assert (await client.get("/session")).status_code == 200
            await execute(api, f"UPDATE sessions SET {aged}")
            await until_looked_up_again()
            answer = await client.get("/session")

    assert (answer.status_code, answer.json()["code"]) == (401, "expired")


async def test_a_session_that_is_used_is_not_idle(api: ServedApi, signed_in: httpx.AsyncClient) -> None:
    await execute(api, "UPDATE sessions SET last_used_at = now() - interval '11 hours'")
    await until_looked_up_again()

    assert (await signed_in.get("/session")).status_code == 200
    async with api.database.connection() as connection:
        assert await connection.fetchval("SELECT last_used_at > now() - interval '1 minute' FROM sessions")


async def test_a_session_ends_with_its_token(api: ServedApi, signed_in: httpx.AsyncClient) -> None:
    await tokens.revoke(api.database, "ops", revoked_by="cli:test")
    await until_looked_up_again()

    assert (await signed_in.get("/session")).json()["code"] == "expired"


async def test_a_browser_whose_session_has_ended_is_led_to_the_sign_in_page(
    api: ServedApi, signed_in: httpx.AsyncClient
) -> None:
    await execute(api, "UPDATE sessions SET ended_at = now()")
    await until_looked_up_again()

    page = await signed_in.get("/config", headers=FORMED)
    call = await signed_in.get("/config")

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    assert (call.status_code, call.json()["code"]) == (401, "expired")


async def test_only_digests_are_stored(api: ServedApi, signed_in: httpx.AsyncClient) -> None:
    link = await link_of(api)
    secrets = [session_in(signed_in), link.partition("=")[2], api.client.headers["Authorization"].split()[1]]

    async with api.database.connection() as connection:
        rows = [
            str(dict(row))
            for table in ("api_tokens", "sessions", "sign_in_links")
            for row in await connection.fetch(f"SELECT * FROM {table}")
        ]

    assert len(rows) == 5
    for secret in secrets:
        assert secret.partition(".")[2] not in "".join(rows)
