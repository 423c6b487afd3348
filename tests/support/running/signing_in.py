"""Browsers without a browser: cookies are kept, and writes say which origin they come from."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from api.access import authenticator
from tests.support.running.processes import Sniper
from tests.support.running.serving_api import ServedApi
from tests.waiting import eventually


@asynccontextmanager
async def browser(api: ServedApi) -> AsyncIterator[httpx.AsyncClient]:
    """Keep cookies, and say where writes come from, as a browser on a page of ours does."""
    origin = str(api.client.base_url).rstrip("/")
    async with api.stranger(Origin=origin, **{"Sec-Fetch-Site": "same-origin"}) as client:
        yield client


@asynccontextmanager
async def signed_in_browser(api: ServedApi, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a session of the token with this value."""
    async with browser(api) as client:
        (await client.post("/session", json={"token": token})).raise_for_status()
        yield client


def session_in(client: httpx.AsyncClient) -> str:
    """Return the value of the one cookie that *client* has."""
    [value] = [cookie.value for cookie in client.cookies.jar]
    assert value is not None
    return value


async def until_looked_up_again() -> None:
    """Let pass the time in which an answer of the database is still taken for true."""
    loop = asyncio.get_running_loop()
    seconds = authenticator.FRESH_SECONDS
    after = loop.time() + seconds
    await eventually(lambda: loop.time() > after, within_seconds=seconds + 5)


async def execute(api: ServedApi, statement: str) -> str:
    """Run *statement* on the database of *api*."""
    async with api.database.connection() as connection:
        return str(await connection.execute(statement))


@asynccontextmanager
async def signed_in_to(process: Sniper) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session of the link that a process of `sniper up` prints."""

    def link() -> str | None:
        found = re.findall(r"http://\S+/sign-in\?link=\S+", process.log.read_text())
        return found[-1] if found else None

    url = await eventually(link, within_seconds=30)
    assert url is not None
    async with httpx.AsyncClient(
        base_url=url.partition("/sign-in")[0], trust_env=False, verify=False, timeout=5
    ) as client:
        answer = await client.get(url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield client
