"""The pictures of the operating guide. `python -m tests.tools.guide_pictures` takes them anew, of a real dashboard."""

import asyncio
import base64
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from playwright.async_api import Page, ViewportSize, expect

from tests.support.browsing.decks import Deck, running_deck

PLACE: Final = Path(__file__).parents[2] / "docs" / "pictures"
SIZE: Final = ViewportSize(width=1280, height=800)
FLAT: Final = ViewportSize(width=1280, height=480)
SMALL: Final = ViewportSize(width=640, height=440)
QUALITY: Final = 70
"""Of WebP, in which text stays sharp at a third of a PNG's bytes."""
BOUGHT: Final = ("AURORAUSDT", "BOREALUSDT", "CIRRUSUSDT")
REFUSED: Final = "XYZ3LUSDT"
"""A leveraged token by its name."""
AWAITED: Final = "DELTAUSDT"


async def sign_in(deck: Deck) -> Page:
    """What who has no session sees."""
    stranger = await deck.browser.new_context(viewport=SMALL)
    page = await stranger.new_page()
    await page.goto(f"{deck.url}/sign-in")
    return page


async def overview(deck: Deck) -> Page:
    """The first view, with positions that gain and lose, a refusal and an opening that is awaited."""
    page = await deck.page("now", SIZE)
    rows = [page.locator("#positions tr", has_text=symbol) for symbol in BOUGHT]
    for symbol, row in zip(BOUGHT, rows, strict=True):
        await deck.lists(symbol)
        await expect(row).to_be_visible()
    await deck.lists(REFUSED)
    await deck.lists(AWAITED, opens_in=600)
    for symbol, price in zip(BOUGHT, ("1.12", "0.95", "1.04"), strict=True):
        await deck.exchange.change_coin(symbol, asks=[(price, "100000")], bids=[(price, "100000")])
    await expect(rows[0]).to_contain_text(re.compile(r"\+\d+\.\d\d"))
    await expect(page.locator("#upcoming li", has_text=AWAITED)).to_be_visible()
    await expect(page.locator("#listings tr", has_text=REFUSED)).to_contain_text("not traded")
    await expect(page.locator("#speed-chart")).not_to_be_empty()
    return page


async def position(deck: Deck) -> Page:
    """The way of one listing, from the frame to the position that is held."""
    page = await deck.page("now", SIZE)
    await page.locator("#listings").get_by_role("button", name=BOUGHT[0], exact=True).click()
    await expect(page.locator("#story")).to_contain_text("Bought on paper")
    return page


async def settings(deck: Deck) -> Page:
    """Limits, exits and switches."""
    page = await deck.page("settings", FLAT)
    await expect(page.get_by_label("At most for one trade")).to_be_visible()
    await expect(page.locator("#monitor")).to_have_text("on")
    return page


async def halted(deck: Deck) -> Page:
    """A halt, with who called it."""
    page = await deck.page("now", SIZE)
    await page.get_by_role("button", name="Halt", exact=True).click()
    await expect(page.locator("#halts")).to_contain_text("nothing is bought; exits still run")
    return page


async def resume(page: Page) -> None:
    """Lift the halt of *page* again."""
    await page.get_by_role("button", name="Resume…").click()
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator("#halts")).to_be_hidden()


VIEWS: Final[Mapping[str, Callable[[Deck], Awaitable[Page]]]] = MappingProxyType(
    {"sign-in": sign_in, "overview": overview, "position": position, "settings": settings, "halted": halted}
)
"""Actions before each picture, in the order of taking them: the later ones go on from the earlier ones."""


async def take(deck: Deck, place: Path) -> None:
    """Put every picture of the guide into *place*, which exists."""
    for name, view in VIEWS.items():
        page = await view(deck)
        (place / f"{name}.webp").write_bytes(await picture(page))
        if view is halted:
            await resume(page)
        await page.close()


async def picture(page: Page) -> bytes:
    """Return *page* as it is in its window, as WebP."""
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    session = await page.context.new_cdp_session(page)
    answer = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    await session.detach()
    return base64.b64decode(answer["data"])


async def main() -> None:
    """Take them all."""
    await asyncio.to_thread(PLACE.mkdir, exist_ok=True)
    with TemporaryDirectory(prefix="sniper-pictures-") as directory:
        async with running_deck(Path(directory)) as deck:
            await take(deck, PLACE)
    sys.stdout.write(f"{len(VIEWS)} pictures in {PLACE}\n")


if __name__ == "__main__":
    asyncio.run(main())
