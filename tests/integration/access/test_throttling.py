"""Throttling: guessing from one address, and asking too much with one token."""

import asyncio

import httpx

from api.access import credentials, sessions
from api.access.credentials import CredentialKind
from api.access.principal import Scope
from api.access.throttle import STOPS_PER_MINUTE
from tests.support.running.serving_api import ServedApi, serving_api
from tests.support.running.signing_in import browser, execute, signed_in_browser, until_looked_up_again


async def attempt(api: ServedApi, value: str = "wrong") -> httpx.Response:
    async with api.bearer(value) as client:
        return await client.get("/config")


async def halt(api: ServedApi, value: str) -> httpx.Response:
    async with api.bearer(value) as client:
        return await client.post("/halt", json={})


def unknown_token() -> str:
    return credentials.make(CredentialKind.TOKEN)[0]


async def test_who_fails_too_often_is_refused_for_a_while(database_url: str) -> None:
    async with serving_api(database_url, failures_per_minute=5) as api:
        failures = [await attempt(api) for _ in range(5)]
        throttled = [await attempt(api), await attempt(api, unknown_token())]
        async with browser(api) as client:
            throttled += [
                await client.post("/session", json={"token": unknown_token()}),
                await client.get("/sign-in", params={"link": "wrong"}),
            ]

    assert [answer.status_code for answer in failures] == [401] * 5
    for answer in throttled:
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")
        seconds = int(answer.headers["retry-after"])
        assert 1 <= seconds <= 60
        assert answer.json()["details"] == {"retry_after_seconds": seconds}


async def test_a_good_token_is_let_in_while_others_at_its_address_fail(database_url: str) -> None:
    async with serving_api(database_url, failures_per_minute=3) as api:
        fresh = await api.make_token("fresh", Scope.OPERATE)
        link = await sessions.make_link(api.database, created_by="cli:test")
        guesses = [attempt(api, unknown_token()) for _ in range(40)]

        *refused, halted = await asyncio.gather(*guesses, halt(api, fresh))
        async with browser(api) as client, browser(api) as other:
            signed_in = await client.post("/session", json={"token": fresh})
            linked = await other.get("/sign-in", params={"link": link})

    assert {answer.status_code for answer in refused} == {401, 429}
    assert (halted.status_code, signed_in.status_code, linked.status_code) == (200, 204, 303)


async def test_who_is_in_is_not_locked_out_by_others_at_the_same_address(database_url: str) -> None:
    async with (
        serving_api(database_url, failures_per_minute=3) as api,
        signed_in_browser(api, await api.make_token("ops", Scope.OPERATE)) as client,
    ):
        assert (await api.client.get("/config")).status_code == 200
        assert (await client.get("/config")).status_code == 200
        for _ in range(6):
            await attempt(api)
        await until_looked_up_again()

        assert (await api.client.get("/config")).status_code == 200
        assert (await client.get("/config")).status_code == 200


async def test_a_session_that_ended_is_no_guess(database_url: str) -> None:
    async with serving_api(database_url, failures_per_minute=3) as api:
        value = await api.make_token("ops")
        async with signed_in_browser(api, value) as client:
            await execute(api, "UPDATE sessions SET ended_at = now()")
            answers = [await client.get("/config") for _ in range(10)]
            again = await client.post("/session", json={"token": value})

    assert {answer.json()["code"] for answer in answers} == {"expired"}
    assert again.status_code == 204


async def test_to_come_without_any_token_is_no_failed_attempt(database_url: str) -> None:
    async with serving_api(database_url, failures_per_minute=3) as api, api.stranger() as stranger:
        assert {(await stranger.get("/config")).status_code for _ in range(10)} == {401}

        assert (await attempt(api, await api.make_token("ops"))).status_code == 200


async def test_a_token_has_so_many_requests_a_minute_with_its_sessions_and_another_has_its_own(
    database_url: str,
) -> None:
    async with serving_api(database_url, requests_per_minute=20) as api:
        value = await api.make_token("busy")
        async with api.bearer(value) as client, signed_in_browser(api, value) as same:
            answers = await asyncio.gather(*(client.get("/session") for _ in range(30)))
            of_session = await same.get("/session")

        codes = [answer.status_code for answer in answers]
        assert 10 <= codes.count(200) <= 20
        assert codes.count(200) + codes.count(429) == 30
        assert (of_session.status_code, of_session.json()["code"]) == (429, "too_many_requests")
        assert int(of_session.headers["retry-after"]) >= 1
        assert (await api.client.get("/session")).status_code == 200


async def test_a_token_that_has_used_up_its_requests_still_halts(database_url: str) -> None:
    async with serving_api(database_url, requests_per_minute=5) as api:
        value = await api.make_token("busy", Scope.OPERATE)
        async with api.bearer(value) as client, signed_in_browser(api, value) as page:
            await asyncio.gather(*(client.get("/session") for _ in range(10)))
            used_up = await client.get("/session")
            halted = await page.post("/halt", json={"reason": "in one click"})
            sold = await client.post("/halt-and-close", json={})
            resumed = await client.post("/resume")

    assert (used_up.status_code, halted.status_code, sold.status_code, resumed.status_code) == (429, 200, 200, 429)


async def test_halts_are_counted_too(database_url: str) -> None:
    async with serving_api(database_url) as api:
        answers = await asyncio.gather(*(api.client.post("/halt", json={}) for _ in range(STOPS_PER_MINUTE + 5)))

    assert {answer.status_code for answer in answers} == {200, 429}
