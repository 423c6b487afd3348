"""A real Chromium for the tests of the dashboard."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright

VARIABLE: Final = "SNIPER_TEST_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--no-sandbox",  # Containers run the tests as root.
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)


class BrowserMissingError(Exception):
    """No Chromium is there; says where it is looked for."""


def find_chromium(environment: Mapping[str, str]) -> str:
    """Return the path of the Chromium to use; raise BrowserMissingError."""
    candidates = [environment[VARIABLE]] if VARIABLE in environment else NAMES
    for name in candidates:
        if path := shutil.which(name):
            return path
    raise BrowserMissingError(f"no Chromium: install Debian's package chromium, or name one in {VARIABLE}")


@asynccontextmanager
async def running_chromium(environment: Mapping[str, str]) -> AsyncIterator[Browser]:
    """Run a headless Chromium until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(environment), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()
