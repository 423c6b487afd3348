"""Tokens: what holds, what does not, and what is noted of their use."""

from datetime import timedelta
from typing import Annotated

import asyncpg
import pytest
from fastapi import Depends, FastAPI

from api.access import tokens
from api.access.dependencies import operate
from api.access.principal import Principal, Scope
from api.access.tokens import RefusedTokenError
from api.operator import trade_config
from tests.support.running.serving_api import ServedApi, serving_app
from tests.support.running.signing_in import execute, until_looked_up_again
from tests.waiting import eventually


async def status(api: ServedApi, authorization: str) -> int:
    async with api.stranger(Authorization=authorization) as client:
        return (await client.get("/config")).status_code


async def test_a_token_opens_until_it_is_revoked(api: ServedApi) -> None:
    value = await api.make_token("ops")

    async with api.bearer(value) as client:
        assert (await client.get("/config")).status_code == 200
        await tokens.revoke(api.database, "ops", revoked_by="cli:test")

        async def refused() -> bool:
            answer = await client.get("/config")
            return answer.status_code == 401 and answer.json()["code"] == "expired"

        await eventually(refused)


async def test_a_token_opens_until_it_expires(api: ServedApi) -> None:
    value = await tokens.create(api.database, "brief", Scope.VIEW, created_by="cli:test", lifetime=timedelta(seconds=2))

    async with api.bearer(value) as client:
        first = await client.get("/session")

        async def refused() -> bool:
            return (await client.get("/config")).status_code == 401

        await eventually(refused)

    assert first.json()["expires_at"] is not None


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("Bearer  {}", 200),
        ("Basic {}", 401),
        ("{}", 401),
        ("Bearer", 401),
        ("Bearer {}x", 401),
        ("Bearer {}, Bearer {}", 401),
        ("Token {}", 401),
    ],
)
async def test_a_token_is_a_bearer_token_and_nothing_around_it(
    shared_api: ServedApi, spelling: str, expected: int
) -> None:
    value = shared_api.client.headers["Authorization"].split()[1]

    assert await status(shared_api, spelling.replace("{}", value)) == expected


async def test_a_token_is_the_whole_value(api: ServedApi) -> None:
    value = await api.make_token("ops")
    public_id, _, secret = value.partition(".")
    other = (await api.make_token("other")).partition(".")[2]

    for wrong in (f"{public_id}.{other}", f"{public_id}.{secret[:-1]}-", f"snt_{'0' * 16}.{secret}"):
        assert await status(api, f"Bearer {wrong}") == 401


async def test_a_token_is_taken_from_its_header_alone(shared_api: ServedApi) -> None:
    value = shared_api.client.headers["Authorization"].split()[1]

    async with shared_api.stranger() as client:
        answers = [
            await client.get("/config", params={"token": value}),
            await client.get("/config", params={"access_token": value}),
            await client.get("/config", headers={"X-Api-Key": value}),
            await client.get("/config", headers={"Cookie": f"token={value}"}),
        ]

    assert {answer.status_code for answer in answers} == {401}


async def test_the_use_of_a_token_is_noted_to_the_minute(api: ServedApi) -> None:
    value = await api.make_token("ops")

    async def last_used() -> object:
        [row] = [row for row in await tokens.all_tokens(api.database) if row.name == "ops"]
        return row.last_used_at

    async with api.bearer(value) as client:
        assert await last_used() is None
        await client.get("/config")
        first = await last_used()
        await until_looked_up_again()
        await client.get("/config")
        assert first is not None
        assert await last_used() == first

        await execute(api, "UPDATE api_tokens SET last_used_at = now() - interval '61 seconds' WHERE name = 'ops'")
        await until_looked_up_again()
        await client.get("/config")
        assert await last_used() > first  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("", "name: up to 50"),
        (" ops", "name: up to 50"),
        ("o" * 51, "name: up to 50"),
        ("ops\n", "name: up to 50"),
        ("-ops", "name: up to 50"),
        ("local", "name: local is kept"),
        ("test", "name: there is a token test already"),
    ],
)
async def test_a_name_that_cannot_be_is_refused(shared_api: ServedApi, name: str, refusal: str) -> None:
    with pytest.raises(RefusedTokenError, match=refusal):
        await tokens.create(shared_api.database, name, Scope.VIEW, created_by="cli:test")


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=-1), timedelta(days=3651)])
async def test_a_lifetime_that_cannot_be_is_refused(shared_api: ServedApi, lifetime: timedelta) -> None:
    with pytest.raises(RefusedTokenError, match="expiry: must be within 3650 days"):
        await tokens.create(shared_api.database, "odd", Scope.VIEW, created_by="cli:test", lifetime=lifetime)


async def test_the_name_of_a_revoked_token_is_free_and_the_old_value_stays_dead(api: ServedApi) -> None:
    old = await api.make_token("ops")
    await tokens.revoke(api.database, "ops", revoked_by="cli:test")
    new = await api.make_token("ops")

    assert (await status(api, f"Bearer {old}"), await status(api, f"Bearer {new}")) == (401, 200)
    assert [(row.name, row.usable, row.revoked_by) for row in await tokens.all_tokens(api.database)][1:] == [
        ("ops", False, "cli:test"),
        ("ops", True, None),
    ]


async def test_a_token_of_which_nothing_is_known_cannot_be_revoked(shared_api: ServedApi) -> None:
    with pytest.raises(RefusedTokenError, match="there is no token ghost"):
        await tokens.revoke(shared_api.database, "ghost", revoked_by="cli:test")


async def test_a_name_stays_unique_among_the_tokens_in_use(api: ServedApi) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(api, "INSERT INTO api_tokens (name, scope, created_by) VALUES ('test', 'view', 'x')")


async def test_what_is_written_bears_the_name_of_the_token(database_url: str) -> None:
    def extended(app: FastAPI) -> None:
        async def lower(principal: Annotated[Principal, Depends(operate)]) -> None:
            changes = {"max_trade_usdt": "50"}
            await trade_config.change(app.state.database, changes, changed_by=principal.audit_name)

        app.post("/lower", status_code=204)(lower)

    async with serving_app(database_url, extended) as api:
        (await api.client.post("/lower")).raise_for_status()
        async with api.bearer(await api.make_token("viewer")) as viewer:
            assert (await viewer.post("/lower")).status_code == 403
        async with api.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT changed_by, after->>'max_trade_usdt' AS after FROM trade_config_audit"
            )

    assert [tuple(row) for row in rows] == [("token:test", "50")]
