"""A real Chromium for the tests of the dashboard."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
VARIABLE: Final = "SNIPER_TEST_CHROMIUM"
SHELL: Final = "chromium-headless-shell"
"""The same renderer without the windows of a browser: it takes two thirds of the CPU."""
NAMES: Final = (SHELL, "chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--no-sandbox",  # Containers run the tests as root.
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)


SEEN_MS_MAX: Final = 60_000
"""For what a page is to show: a machine may be five times slower than a developer's, with others at work on it."""
expect.set_options(timeout=SEEN_MS_MAX)

PICTURES: Final = Path(os.environ.get("SNIPER_TEST_PICTURES", "build/pictures"))
WIDTHS: Final = (1440, 1280, 1024, 390)
TOO_WIDE: Final = """
width => document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > width + 1).map(each => each.outerHTML.slice(0, 80))
"""


CUT: Final = """
() => [...document.querySelectorAll("main .scroll")].flatMap(place => {
    const end = place.getBoundingClientRect().left + place.clientWidth + 1;
    const inner = [...place.querySelectorAll("button, .cards tr > *, .cards tr > * > *")];
    const cut = inner.filter(each => each.checkVisibility() && each.getBoundingClientRect().right > end);
    return cut.map(each => each.outerHTML.slice(0, 80));
})
"""
"""Buttons, and cells of tables that a phone shows as cards, that are only seen after scrolling sideways."""


async def pictures(page: Page, name: str, *, full_page: bool = True) -> list[str]:
    """Keep a picture of *page* at each width, light and dark; return what does not fit its window or table."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wide = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            found = [*await page.evaluate(TOO_WIDE, width), *await page.evaluate(CUT)]
            wide += [f"{width}: {each}" for each in found]
            path = PICTURES / f"{name}-{width}-{scheme}.png"
            await page.screenshot(path=path, full_page=full_page, animations="disabled")
    await page.emulate_media(color_scheme=None)
    return wide


async def serious_findings(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds to be serious: the rule, and the first places that break it."""
    found = (await Axe().run(page)).response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    return [(each["id"], [node["html"][:120] for node in each["nodes"]][:3]) for each in serious]


class BrowserMissingError(Exception):
    """No Chromium is there; says where it is looked for."""


def find_chromium(environment: Mapping[str, str]) -> str:
    """Return the path of the Chromium to use; raise BrowserMissingError."""
    candidates = [environment[VARIABLE]] if VARIABLE in environment else NAMES
    for name in candidates:
        if path := shutil.which(name):
            return path
    raise BrowserMissingError(f"no Chromium: install Debian's package {SHELL} or chromium, or name one in {VARIABLE}")


@asynccontextmanager
async def running_chromium(environment: Mapping[str, str]) -> AsyncIterator[Browser]:
    """Run a headless Chromium until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(environment), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()
