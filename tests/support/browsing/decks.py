"""`sniper up` against the simulator, with an operator signed in to its dashboard in a real Chromium."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.servers.ports import free_ports
from tests.support.browsing.browsers import SEEN_MS_MAX, running_chromium
from tests.support.running.processes import Sniper, sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

WIDE: Final = ViewportSize(width=1440, height=900)
COIN: Final = {"price": "1", "swing": 0, "asks": [("1", "100000")], "bids": [("0.99", "100000")]}


@dataclass(slots=True)
class Deck:
    """A running system with an operator who is signed in."""

    exchange: SimulatorProcess
    process: Sniper
    browser: Browser
    context: BrowserContext
    url: str

    async def page(self, view: str = "now", viewport: ViewportSize = WIDE) -> Page:
        """Open the dashboard in a tab of its own, once its link is live."""
        page = await self.context.new_page()
        await page.set_viewport_size(viewport)
        await page.goto(f"{self.url}/#{view}")
        await expect(page.locator("#link")).to_have_text("connected")
        return page

    async def targets(self) -> list[dict[str, Any]]:
        """Return what the browser runs: pages, and workers too."""
        session = await self.browser.new_browser_cdp_session()
        found: list[dict[str, Any]] = (await session.send("Target.getTargets"))["targetInfos"]
        await session.detach()
        return found

    async def close_target(self, target: str) -> None:
        """End a worker, as the browser does where memory is short."""
        session = await self.browser.new_browser_cdp_session()
        await session.send("Target.closeTarget", {"targetId": target})
        await session.detach()

    async def lists(self, symbol: str, **coin: Any) -> None:
        await self.exchange.list_coin(symbol, **{**COIN, **coin})


@asynccontextmanager
async def running_deck(directory: Path) -> AsyncIterator[Deck]:
    """Run it for the time of the block, with its files in *directory*."""
    async with running_simulator() as exchange, running_chromium(os.environ) as browser:
        environment = {
            "SNIPER_MEXC_REST_URL": exchange.rest_url,
            "SNIPER_MEXC_WS_URL": exchange.ws_url,
            # Live orders are possible, and dry runs are all that happens while auto_trade is off.
            "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
            "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
            "SNIPER_LIVE": "true",
            # More coins in a minute than MEXC lists in a week: its limits are not what is tested here.
            "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "1000",
            "SNIPER_EXECUTOR_WEIGHT_PER_10_SECONDS": "10000",
            "SNIPER_EXECUTOR_REQUESTS_PER_SECOND": "1000",
            "SNIPER_API_PORT": str(free_ports(1)[0]),
        }
        async with sniper("up", "--exchange", "mexc", environment=environment, directory=directory) as process:
            await process.ready()
            link = await eventually(lambda: link_in(process.log), within_seconds=SEEN_MS_MAX / 1000)
            context = await browser.new_context(viewport=WIDE)
            page = await context.new_page()
            await page.goto(link)
            await expect(page.locator("#mode")).to_have_text("DRY-RUN")
            await page.close()
            yield Deck(exchange, process, browser, context, link.partition("/sign-in")[0])


def link_in(log: Path) -> str:
    """Return the sign-in link that a process printed, or nothing."""
    found = re.search(r"http://\S+/sign-in\?link=\S+", log.read_text())
    return found.group() if found else ""
