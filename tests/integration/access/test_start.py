"""Addresses the API may be served on, and TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.access import tokens
from api.access.principal import Scope
from api.service import serve
from api.settings import ApiSettings
from shared.errors import SettingsError
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from tests.support.fakes.certificates import self_signed
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.services import open_database, serving
from tests.support.running.serving_api import serving_api

REFUSAL = (
    r"^SNIPER_API_HOST: other machines reach 0\.0\.0\.0, and there is no token: "
    r"make one with `sniper token create NAME --scope operate`, or use 127\.0\.0\.1$"
)


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with open_database(database_url) as database:
        yield Runtime(RecordingBus(), database, Telemetry(), asyncio.Event())


async def refuse(runtime: Runtime) -> None:
    with pytest.raises(SettingsError, match=REFUSAL):
        await serve(runtime, ApiSettings(host="0.0.0.0", port=0))


async def test_an_address_that_other_machines_reach_is_not_served_without_a_token(runtime: Runtime) -> None:
    await refuse(runtime)


@pytest.mark.parametrize("ended", ["expires_at = now()", "revoked_at = now(), revoked_by = 'cli:test'"])
async def test_a_token_that_holds_no_more_does_not_count(runtime: Runtime, ended: str) -> None:
    await tokens.create(runtime.database, "ops", Scope.OPERATE, created_by="cli:test")
    async with runtime.database.connection() as connection:
        await connection.execute(f"UPDATE api_tokens SET {ended}")

    await refuse(runtime)


async def test_nor_does_the_one_behind_the_links_of_this_machine(runtime: Runtime) -> None:
    async with runtime.database.connection() as connection:
        await tokens.ensure_local(connection, created_by="cli:test")

    await refuse(runtime)


async def test_with_a_token_it_is_served(runtime: Runtime) -> None:
    value = await tokens.create(runtime.database, "ops", Scope.OPERATE, created_by="cli:test")
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    start = partial(serve, settings=ApiSettings(host="0.0.0.0", port=0), on_listening=listening.set_result)

    async with serving(runtime, start):
        port = (await asyncio.wait_for(listening, timeout=10)).rpartition(":")[2]
        headers = {"Authorization": f"Bearer {value}"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False, headers=headers
        ) as client:
            assert (await client.get("/session")).json()["name"] == "ops"


async def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(database_url: str, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async with serving_api(database_url, tls_certificate=certificate) as api:
        assert api.client.base_url.scheme == "https"
        value = await api.make_token("ops")
        async with httpx.AsyncClient(base_url=api.client.base_url, trust_env=False, verify=trusting) as client:
            origin = str(api.client.base_url).rstrip("/")
            answer = await client.post("/session", json={"token": value}, headers={"Origin": origin})
            forged = await client.delete("/session", headers={"Origin": origin.replace("https", "http")})
            who = await client.get("/session")

    assert answer.headers["set-cookie"].startswith("__Host-sniper_session=sns_")
    assert answer.headers["set-cookie"].endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure")
    assert forged.status_code == 403
    assert who.json()["name"] == "ops"


async def test_behind_a_proxy_that_ends_tls_the_public_url_is_what_browsers_are_held_to(database_url: str) -> None:
    headers = {"Host": "sniper.example.com", "Origin": "https://sniper.example.com"}

    async with serving_api(database_url, public_url="https://sniper.example.com") as api:
        value = await api.make_token("ops")
        async with api.stranger(**headers) as client:
            answer = await client.post("/session", json={"token": value})
            [name], [cookie] = answer.cookies.keys(), answer.cookies.values()
            written = await client.delete("/session", headers={"Cookie": f"{name}={cookie}"})
            foreign = await client.post("/session", json={"token": value}, headers={"Origin": "https://evil.example"})

    assert answer.headers["set-cookie"].startswith("__Host-sniper_session=sns_")
    assert answer.headers["set-cookie"].endswith("; Secure")
    assert (written.status_code, foreign.status_code) == (204, 403)


async def test_further_names_can_be_allowed(database_url: str) -> None:
    async with serving_api(database_url, allowed_hosts="sniper.lan, sniper-api") as api:
        answers = {
            host: (await api.client.get("/config", headers={"Host": host})).status_code
            for host in ("sniper.lan:8000", "SNIPER-API", "sniper.lan.evil.example", "lan")
        }

    assert answers == {"sniper.lan:8000": 200, "SNIPER-API": 200, "sniper.lan.evil.example": 421, "lan": 421}


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ({"tls_certificate": "missing.pem"}, r"^SNIPER_API_TLS_CERTIFICATE: .*missing\.pem is not there, or no file$"),
        ({"tls_certificate": "empty.pem"}, "^SNIPER_API_TLS_CERTIFICATE: cannot be used with its key: "),
        ({"tls_certificate": "loopback.pem", "tls_key": "missing.key"}, "^SNIPER_API_TLS_KEY: .* is not there"),
    ],
)
async def test_a_certificate_that_cannot_be_used_is_a_bad_setting(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], refusal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    self_signed(tmp_path)
    (tmp_path / "empty.pem").touch()

    with pytest.raises(SettingsError, match=refusal):
        await serve(runtime, ApiSettings.model_validate({"port": 0, **settings}))


async def test_a_session_outlives_a_restart(database_url: str) -> None:
    async with serving_api(database_url) as api:
        value = await api.make_token("ops")
        async with api.stranger() as client:
            answer = await client.post("/session", json={"token": value})
            session = answer.cookies[f"sniper_session_{api.client.base_url.port}"]

    async with (
        serving_api(database_url) as api,
        api.stranger(Cookie=f"sniper_session_{api.client.base_url.port}={session}") as client,
    ):
        who = await client.get("/session")

    assert who.json()["name"] == "ops"
