"""Paint times in a browser: of a listing, from its row's time to the painted frame, and of the opened page."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
from playwright.async_api import Page, expect

from bench.parts.api.load import Target
from tests.support.browsing.browsers import running_chromium

STORE: Final = """
    INSERT INTO listings (symbol, listed_at, source, listing_key, created_at)
    VALUES ($1, clock_timestamp(), 'mexc_websocket', $1, clock_timestamp()) RETURNING created_at
"""
# A frame is painted after its callbacks, and a task without delay runs after that.
WATCH: Final = """
() => {
    window.painted = new Map();
    const note = symbol => painted.has(symbol) || painted.set(symbol, Date.now());
    const look = () => document.querySelectorAll("#listings tr th").forEach(({ textContent: symbol }) => {
        if (!painted.has(symbol)) requestAnimationFrame(() => setTimeout(note, 0, symbol));
    });
    new MutationObserver(look).observe(document.getElementById("listings"), { childList: true });
}
"""
SEEN: Final = "symbol => painted.get(symbol)"
FIRST_PAINT: Final = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
READ: Final = "() => document.body.classList.contains('reading') ? 0 : performance.now()"


class PageTimes(NamedTuple):
    """Times of one page, in ms since its request."""

    first_paint: float
    read: float
    """Until its initial data is shown."""


async def painted_ms(target: Target, database: str, samples: int) -> Sequence[float]:
    """Store *samples* listings one after the other; return the time until each is painted on the dashboard."""
    connection = await asyncpg.connect(database)
    try:
        async with running_chromium(os.environ) as browser:
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await _sign_in(page, target)
            await page.evaluate(WATCH)
            found = []
            for symbol in (f"SEEN{number}USDT" for number in range(samples)):
                stored_at: datetime = await connection.fetchval(STORE, symbol)
                seen = await page.wait_for_function(SEEN, arg=symbol, polling=50)
                found.append(float(await seen.json_value()) - stored_at.timestamp() * 1000)
            return found
    finally:
        await connection.close()


async def opened_ms(target: Target, samples: int) -> Sequence[PageTimes]:
    """Open the dashboard *samples* times, one after the other."""
    async with running_chromium(os.environ) as browser:
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await _sign_in(page, target)
        found = []
        for _ in range(samples):
            await page.reload()
            read = await page.wait_for_function(READ)
            painted = await page.wait_for_function(FIRST_PAINT)
            found.append(PageTimes(float(await painted.json_value()), float(await read.json_value())))
        return found


async def _sign_in(page: Page, target: Target) -> None:
    await page.goto(f"http://127.0.0.1:{target.port}/sign-in")
    await page.locator("input[name=token]").fill(target.token)
    await page.keyboard.press("Enter")
    await expect(page.locator("#link")).to_have_text("connected")
