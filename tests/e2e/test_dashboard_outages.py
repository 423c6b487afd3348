"""The dashboard in a real Chromium while parts of the system are away: it says which, since when, and recovers."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

import migrations
from api.access import tokens
from api.access.principal import Scope
from shared.process.heartbeat import SILENCE_MAX
from tests.servers.ports import free_ports
from tests.servers.postgres import PrivatePostgres, private_postgres_server
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.browsing.browsers import pictures, running_chromium
from tests.support.running.processes import Cluster
from tests.support.running.services import open_database

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

LISTED = "INSERT INTO listings (symbol, listed_at, source, listing_key) VALUES ($1, now(), 'mexc_websocket', $1)"


@dataclass(slots=True)
class System:
    """Services in processes of their own, a database that may go, and a page that an operator watches."""

    postgres: PrivatePostgres
    services: Cluster
    page: Page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(private_postgres_server(durable=False))
        await asyncio.to_thread(migrations.upgrade, postgres.url)
        async with open_database(postgres.url) as database:
            token = await tokens.create(database, "watch", Scope.OPERATE, created_by="test")
        [port] = free_ports(1)
        environment = {
            "SNIPER_DATABASE_URL": postgres.url,
            "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
            "SNIPER_API_PORT": str(port),
        }
        services = Cluster(stack, environment, tmp_path_factory.mktemp("outages"))
        await asyncio.gather(*(services.start(name) for name in ("persister", "dedup", "api")))
        browser = await stack.enter_async_context(running_chromium(os.environ))
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.goto(f"http://127.0.0.1:{port}/sign-in")
        await page.locator("input[name=token]").fill(token)
        await page.keyboard.press("Enter")
        await expect(page.locator("#link")).to_have_text("connected")
        yield System(postgres, services, page)


async def test_a_component_that_was_killed_is_named_with_since_when_and_recovers(system: System) -> None:
    line = system.page.locator("#components li", has_text="dedup")
    await expect(line).to_have_attribute("data-status", "running")
    await system.services["dedup"].kill()

    await expect(line).to_have_attribute("data-status", "error")
    await expect(line.locator("small")).to_have_text(re.compile(r"error: silent for \d+ s, last said running"))
    seconds = re.match(r"(\d+) s ago", await line.locator("sn-age").inner_text())
    assert seconds is not None
    assert int(seconds.group(1)) >= SILENCE_MAX.total_seconds()
    await expect(system.page.locator("#health")).to_have_text("error")
    await expect(system.page.locator("#link")).to_have_text("connected")
    await pictures(system.page, "component-killed")
    await system.services.start("dedup")
    await expect(line).to_have_attribute("data-status", "running")


async def test_a_database_that_is_away_is_said_and_comes_back_without_a_hand(system: System) -> None:
    link, body = system.page.locator("#link"), system.page.locator("body")
    await expect(link).to_have_text("connected")
    await asyncio.to_thread(system.postgres.stop)
    await expect(link).to_have_text(re.compile(r"database away for \d"))
    await expect(body).to_have_class("stale")
    await expect(system.page).to_have_title(re.compile("⚠"))
    await pictures(system.page, "database-away")
    await asyncio.to_thread(system.postgres.start)

    await expect(link).to_have_text("connected")
    await expect(body).not_to_have_class("stale")
    async with open_database(system.postgres.url) as database, database.connection() as connection:
        await connection.execute(LISTED, "BACKUSDT")
    await expect(system.page.locator("#listings tr", has_text="BACKUSDT")).to_be_visible()
    await expect(system.page.locator("#unreadable")).to_be_hidden()


async def test_a_database_that_hangs_looks_no_more_alive_than_one_that_is_gone(system: System) -> None:
    link = system.page.locator("#link")
    await expect(link).to_have_text("connected")
    system.postgres.freeze()
    try:
        await expect(link).to_have_text(re.compile(r"database away for \d"))
        await expect(system.page.locator("body")).to_have_class("stale")
    finally:
        system.postgres.thaw()

    await expect(link).to_have_text("connected")
