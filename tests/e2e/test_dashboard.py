"""The dashboard in a real Chromium, on `sniper up` against the simulator: what an operator sees and does there."""

import asyncio
import re
import signal
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, ViewportSize, expect

from tests.support.browsing.browsers import TOO_WIDE, pictures, serious_findings
from tests.support.browsing.decks import Deck, link_in, running_deck
from tests.tools import guide_pictures

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PHONE: Final = ViewportSize(width=390, height=844)
GUIDE: Final = Path(__file__).parents[2] / "docs"
PICTURE_BYTES_MAX: Final = 100_000
PAGE_BYTES_MAX: Final = 150_000
PAINTED_SECONDS: Final = 1.0
STOPS_MAX: Final = 200
"""More than there are places that the Tab key comes to."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deck(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deck]:
    async with running_deck(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


async def test_a_link_signs_in_once(deck: Deck) -> None:
    stranger = await deck.browser.new_context()
    page = await stranger.new_page()
    await page.goto(link_in(deck.process.log))

    await expect(page).to_have_title(re.compile("Sign in"))
    await expect(page.get_by_role("alert")).to_be_visible()
    await stranger.close()


async def test_an_empty_page_says_what_to_do_and_fits_every_width(deck: Deck) -> None:
    page = await deck.page()
    await expect(page.locator("#no-listings")).to_be_visible()
    await expect(page.locator("#components li")).not_to_have_count(0)
    await expect(page.locator("#speed-chart")).not_to_be_empty()

    assert await pictures(page, "empty") == []
    await page.close()


async def test_a_listing_arrives_and_is_traded_while_one_watches(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("WATCHUSDT")

    row = page.locator("#listings tr", has_text="WATCHUSDT")
    await expect(row.locator(".outcome")).to_have_text(re.compile(r"bought on paper for \d"))
    await expect(page.locator("#positions tr", has_text="WATCHUSDT")).to_be_visible()
    await page.get_by_role("button", name="WATCHUSDT", exact=True).click()
    await expect(page.locator("#story")).to_contain_text("Bought on paper")
    await page.close()


async def test_what_is_stored_is_painted_soon(deck: Deck) -> None:
    """Measured in the page, by its clock, from the row's `created_at` to the frame that shows it."""
    page = await deck.page()
    seconds = []
    for number in range(5):
        symbol = f"PAINT{number}USDT"
        painted = asyncio.create_task(page.evaluate(PAINTED, symbol))
        await deck.lists(symbol)
        seconds.append(await painted)

    print(f"stored to painted: {[round(each, 3) for each in seconds]}")  # noqa: T201 - the figures of a run
    assert statistics.median(seconds) < PAINTED_SECONDS
    await page.close()


PAINTED: Final = """
symbol => new Promise(resolve => {
    const look = async () => {
        const row = [...document.querySelectorAll("#listings tr")].find(row => row.textContent.includes(symbol));
        if (!row) return requestAnimationFrame(look);
        const at = Date.now();
        const page = await (await fetch(`/listings?symbol=${symbol}`)).json();
        resolve((at - Date.parse(page.items[0].created_at)) / 1000);
    };
    look();
})
"""


async def test_it_says_why_a_listing_was_not_bought(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("ABC3LUSDT")

    outcome = page.locator("#listings tr", has_text="ABC3LUSDT").locator(".outcome")
    await expect(outcome).to_contain_text("not traded: ")
    await page.close()


SET: Final = """
async changes => {
    const { headers } = await fetch("/config");
    const named = { "If-Match": headers.get("ETag"), "Content-Type": "application/json" };
    return (await fetch("/config", { method: "PUT", headers: named, body: JSON.stringify(changes) })).status;
}
"""


async def test_it_names_the_limit_that_bound(deck: Deck) -> None:
    page = await deck.page()
    stood = await page.evaluate("async () => (await fetch('/config')).json()")
    limits = {name: stood[name] for name in ("max_trade_usdt", "max_position_usdt")}
    try:
        # More than the limit on a day's purchases, which is of the environment.
        assert await page.evaluate(SET, {"max_trade_usdt": 6000, "max_position_usdt": 9000}) == 200
        await deck.lists("BUDGETUSDT")
        budget = page.locator("#listings tr", has_text="BUDGETUSDT").locator(".outcome")
        await expect(budget).to_contain_text(re.compile("daily.spend|day's budget"))
        assert await page.evaluate(SET, {"max_trade_usdt": 1, "max_position_usdt": 1}) == 200
        await deck.lists("FULLUSDT")
        full = page.locator("#listings tr", has_text="FULLUSDT").locator(".outcome")
        await expect(full).to_contain_text(re.compile("max.position|limit on all positions"))
    finally:
        assert await page.evaluate(SET, limits) == 200
    await page.close()


async def test_an_opening_that_is_to_come_counts_down(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("SOONUSDT", opens_in=600)

    item = page.locator("#upcoming li", has_text="SOONUSDT")
    await expect(item.locator("sn-countdown")).to_have_text(re.compile(r"00:0\d:\d\d"))
    await page.close()


async def test_limits_are_edited_against_the_version_that_was_read(deck: Deck) -> None:
    first, second = await deck.page("settings"), await deck.page("settings")
    await first.get_by_label("At most for one trade").fill("90")
    await second.get_by_label("At most for one trade").fill("80")
    await second.get_by_role("button", name="Save").click()
    await expect(second.locator("#notes")).to_contain_text("saved")
    await first.get_by_role("button", name="Save").click()

    await expect(first.locator("#config-stale")).to_contain_text("max_trade_usdt 100.00 → 80")
    await first.get_by_role("button", name="Show what is stored").click()
    await expect(first.get_by_label("At most for one trade")).to_have_value("80")
    await first.close()
    await second.close()


async def test_a_limit_that_cannot_be_is_refused_while_typing(deck: Deck) -> None:
    page = await deck.page("settings")
    field = page.get_by_label("At most at stake")
    for text, words in (("nothing", "must be a number"), ("1", "must not be less than what one trade may cost")):
        await field.fill(text)
        await expect(page.locator("#config-fields")).to_contain_text(words)
        await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await page.close()


async def test_halt_takes_one_click_and_resume_asks(deck: Deck) -> None:
    page = await deck.page()
    await page.get_by_role("button", name="Halt", exact=True).click()
    await expect(page.locator("#halts")).to_contain_text("nothing is bought; exits still run")
    await deck.lists("HALTEDUSDT")
    outcome = page.locator("#listings tr", has_text="HALTEDUSDT").locator(".outcome")
    await expect(outcome).to_contain_text("not bought: trading was halted")
    await page.get_by_role("button", name="Resume…").click()
    await page.get_by_role("button", name="Resume", exact=True).click()

    await expect(page.locator("#halts")).to_be_hidden()
    await page.close()


async def test_a_position_is_closed_after_one_question_by_the_keyboard_alone(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("CLOSEUSDT")
    row = page.locator("#positions tr", has_text="CLOSEUSDT")
    await expect(row).to_be_visible()
    await page.get_by_role("button", name="Close CLOSEUSDT").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sell CLOSEUSDT now?")).to_be_visible()
    await page.get_by_role("button", name="Sell", exact=True).focus()
    await page.keyboard.press("Enter")

    await expect(row).to_have_count(0)
    await page.close()


async def test_halt_and_sell_all_empties_the_table_and_halts(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("SELLALLUSDT")
    await expect(page.locator("#positions tr", has_text="SELLALLUSDT")).to_be_visible()
    await page.get_by_role("button", name="Halt and sell all…").click()
    await page.get_by_role("button", name="Halt and sell all", exact=True).click()

    await expect(page.locator("#positions tr")).to_have_count(0)
    await expect(page.locator("#halts")).to_be_visible()
    await page.get_by_role("button", name="Resume…").click()
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator("#halts")).to_be_hidden()
    await page.close()


async def test_auto_trade_needs_its_word(deck: Deck) -> None:
    page = await deck.page("settings")
    await page.get_by_role("button", name="Switch on…").click()
    await page.get_by_label("To confirm, type live").fill("live")
    await page.get_by_role("button", name="Switch on", exact=True).click()
    await expect(page.locator("#auto-trade")).to_have_text("on")
    await page.get_by_role("button", name="Switch off").click()

    await expect(page.locator("#auto-trade")).to_have_text("off")
    await page.close()


SHORTEN: Final = """
async seconds => {
    const { headers } = await fetch("/config");
    const body = JSON.stringify({ auto_trade_until: new Date(Date.now() + seconds * 1000).toISOString() });
    const named = { "If-Match": headers.get("ETag"), "Content-Type": "application/json" };
    return (await fetch("/config", { method: "PUT", headers: named, body })).status;
}
"""


async def test_live_trading_is_armed_for_a_time_and_disarms_itself(deck: Deck) -> None:
    """The time is made shorter once the page has shown it, so that a slow machine misses nothing of it."""
    page = await deck.page("settings")
    await page.get_by_role("button", name="Switch on…").click()
    await page.get_by_label("Switch off again after").fill("5")
    await page.get_by_label("To confirm, type live").fill("live")
    await page.get_by_role("button", name="Switch on", exact=True).click()
    await expect(page.locator("#mode")).to_have_text("LIVE")
    await expect(page.locator("#auto-trade-until")).to_contain_text("until")
    assert await page.evaluate(SHORTEN, 2) == 200

    await expect(page.locator("#mode")).to_have_text("DRY-RUN")
    await expect(page.locator("#auto-trade")).to_have_text("off")
    await page.goto(f"{deck.url}/#history")
    await expect(page.locator("#history")).to_contain_text("executor: auto_trade_until")
    await page.close()


async def test_a_stop_is_changed_for_one_position_and_sells_it(deck: Deck) -> None:
    page = await deck.page()
    await deck.lists("STOPUSDT")
    await deck.lists("STAYSUSDT")
    row, other = (page.locator("#positions tr", has_text=symbol) for symbol in ("STOPUSDT", "STAYSUSDT"))
    await expect(row).to_contain_text("−15 %")
    await expect(other).to_be_visible()
    for symbol in ("STOPUSDT", "STAYSUSDT"):
        await deck.exchange.change_coin(symbol, asks=[("0.96", "100000")], bids=[("0.95", "100000")])
    await page.get_by_role("button", name="Change the exits of STOPUSDT").click()
    await page.locator("#dialog").get_by_label("Stop-loss").fill("2")
    await page.get_by_role("button", name="Change", exact=True).click()

    await expect(row).to_have_count(0)
    await expect(other).to_be_visible()
    await page.goto(f"{deck.url}/#trades")
    await expect(page.locator("#closed tr", has_text="STOPUSDT")).to_contain_text(re.compile(r"−\d+\.\d\d %"))
    await page.close()


async def test_exits_of_all_positions_are_changed_in_the_form_and_shown(deck: Deck) -> None:
    page, form = await deck.page(), await deck.page("settings")
    await deck.lists("FORMUSDT")
    row = page.locator("#positions tr", has_text="FORMUSDT")
    await expect(row).to_contain_text("+50 %")
    await form.get_by_label("Take-profit", exact=True).fill("70")
    await form.get_by_label("Take-profit in steps").fill("30: 50, 60: 25")
    await form.get_by_role("button", name="Save").click()

    await expect(form.locator("#notes")).to_contain_text("saved")
    await expect(row).to_contain_text("+70 %")
    await page.close()
    await form.close()


ACTIVE: Final = "element => element === document.activeElement"


async def reach(page: Page, place: Locator) -> None:
    """Go to *place* with the Tab key alone."""
    await expect(place).to_be_enabled()
    for _ in range(STOPS_MAX):
        if await place.evaluate(ACTIVE):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"the Tab key never comes to {place}")


async def press(page: Page, name: str, *, key: str = "Enter") -> None:
    await reach(page, page.get_by_role("button", name=name, exact=True))
    await page.keyboard.press(key)


async def write(page: Page, label: str, text: str) -> None:
    await reach(page, page.get_by_role("textbox", name=label, exact=True))
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)


async def test_every_write_is_made_with_the_keyboard_alone(deck: Deck) -> None:
    page = await deck.page()
    note = page.locator("#notes")
    await press(page, "Inject…")
    await write(page, "Symbol", "INJECTEDUSDT")
    await page.keyboard.press("Enter")
    await expect(page.locator("#story")).to_contain_text("decided")
    await page.keyboard.press("Escape")
    await deck.lists("KEYSUSDT")
    row = page.locator("#positions tr", has_text="KEYSUSDT")
    await expect(row).to_be_visible()
    await press(page, "Change the exits of KEYSUSDT")
    await write(page, "Stop-loss", "11")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text("−11 %")
    await press(page, "Close KEYSUSDT")
    await press(page, "Sell", key="Space")
    await expect(row).to_have_count(0)
    await press(page, "Halt")
    await expect(page.locator("#halts")).to_be_visible()
    await press(page, "Halt and sell all…")
    await press(page, "Halt and sell all")
    await expect(note).to_contain_text(re.compile("and the executor is asked to sell|nothing is held"))
    await press(page, "Resume…")
    await press(page, "Resume")
    await expect(page.locator("#halts")).to_be_hidden()
    await reach(page, page.get_by_role("link", name="Settings"))
    await page.keyboard.press("Enter")
    await write(page, "At most for one trade", "70")
    await press(page, "Save")
    await expect(note).to_contain_text("saved")
    await press(page, "Switch on…")
    await write(page, "To confirm, type live", "live")
    await page.keyboard.press("Enter")
    await press(page, "Switch off")
    await expect(page.locator("#auto-trade")).to_have_text("off")
    await reach(page, page.locator("#monitor-switch"))
    await page.keyboard.press("Enter")
    await press(page, "Pause")
    await expect(page.locator("#monitor")).to_have_text("paused")
    await reach(page, page.locator("#monitor-switch"))
    await page.keyboard.press("Enter")
    await expect(page.locator("#monitor")).to_have_text("on")
    await page.close()


async def test_detection_is_paused_and_goes_on(deck: Deck) -> None:
    page = await deck.page("settings")
    await page.get_by_role("button", name="Pause…").click()
    await page.get_by_role("textbox", name="Why").fill("a drill")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator("#monitor-since")).to_contain_text("a drill")
    await page.locator("#monitor-switch").click()

    await expect(page.locator("#monitor")).to_have_text("on")
    await page.close()


async def test_twelve_tabs_share_one_stream(deck: Deck) -> None:
    pages = [await deck.page() for _ in range(12)]
    await deck.lists("TWELVEUSDT")

    for page in pages:
        await expect(page.locator("#listings")).to_contain_text("TWELVEUSDT")
        await page.close()


async def test_nothing_is_asked_of_anywhere_else_and_the_page_is_light(deck: Deck) -> None:
    page = await deck.context.new_page()
    urls: list[str] = []
    size = 0

    async def note(response: Any) -> None:
        nonlocal size
        urls.append(response.url)
        if response.url.split("/")[-1].partition("?")[0].endswith((".js", ".css")) or response.url.endswith("/"):
            size += len(await response.body())

    page.on("response", note)
    await page.goto(f"{deck.url}/")
    await expect(page.locator("#link")).to_have_text("connected")

    assert [url for url in urls if not url.startswith(deck.url)] == []
    assert 0 < size < PAGE_BYTES_MAX
    await page.close()


@pytest.mark.parametrize("view", ["now", "trades", "settings", "history"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_view_has_a_serious_finding(deck: Deck, view: str, scheme: Any) -> None:
    page = await deck.page(view)
    await page.emulate_media(color_scheme=scheme)
    await expect(page.locator("body")).not_to_have_class(re.compile("reading"))

    assert await serious_findings(page) == []
    await page.close()


@pytest.mark.parametrize("view", ["now", "trades", "settings", "history"])
async def test_a_busy_page_fits_every_width(deck: Deck, view: str) -> None:
    page = await deck.page(view)
    await deck.lists(f"{view.upper()}USDT")
    await expect(page.locator("#positions tr", has_text=f"{view.upper()}USDT")).to_have_count(1)
    await expect(page.locator("body")).not_to_have_class("reading")

    assert await pictures(page, f"busy-{view}") == []
    await page.close()


async def test_a_phone_shows_it_without_scrolling_sideways(deck: Deck) -> None:
    page = await deck.page(viewport=PHONE)

    assert await page.evaluate(TOO_WIDE, PHONE["width"]) == []
    await expect(page.get_by_role("button", name="Halt", exact=True)).to_be_in_viewport()
    await page.close()


async def test_the_page_never_looks_alive_when_nothing_is_heard(deck: Deck) -> None:
    """The process is frozen: nothing comes over a connection that stands."""
    page = await deck.page()
    await expect(page.locator("body")).not_to_have_class("reading")
    deck.process.process.send_signal(signal.SIGSTOP)
    try:
        await expect(page.locator("#link")).to_have_attribute("data-state", "silent")
        await expect(page.locator("body")).to_have_class(re.compile("stale"))
        assert await pictures(page, "broken") == []
        assert await serious_findings(page) == []
    finally:
        deck.process.process.send_signal(signal.SIGCONT)

    await expect(page.locator("#link")).to_have_text("connected")
    await expect(page.locator("body")).not_to_have_class(re.compile("stale"))
    await page.close()


async def test_a_page_whose_worker_ended_joins_another_and_misses_nothing(deck: Deck) -> None:
    """As a page that joins a worker which is just ending: it never hears of that."""
    page = await deck.page()
    [worker] = [each for each in await deck.targets() if each["type"] == "shared_worker"]
    await deck.close_target(worker["targetId"])
    await deck.lists("ORPHANUSDT")

    await expect(page.locator("#listings")).to_contain_text("ORPHANUSDT")
    await expect(page.locator("#link")).to_have_text("connected")
    await page.close()


async def test_every_picture_of_the_guide_is_taken_of_the_dashboard(deck: Deck, tmp_path: Path) -> None:
    await guide_pictures.take(deck, tmp_path)

    taken, kept = contents(tmp_path), contents(guide_pictures.PLACE)
    assert set(taken) == set(kept) == shown_in_the_guide()
    for content in (*taken.values(), *kept.values()):
        assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
        assert len(content) < PICTURE_BYTES_MAX


def contents(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir()}


def shown_in_the_guide() -> set[str]:
    return {name for page in GUIDE.glob("*.md") for name in re.findall(r"\(pictures/(.+?)\)", page.read_text())}


async def test_signing_out_ends_the_session(deck: Deck) -> None:
    page = await deck.page()
    await page.get_by_role("button", name="Sign out").click()

    await expect(page).to_have_title(re.compile("Sign in"))
    await page.close()
