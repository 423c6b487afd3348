"""The dashboard in a real Chromium over rows that a test has put there: what is rare, and what only people decide."""

import csv
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, ViewportSize, expect

from api.access.principal import Scope
from shared.events import utc_now
from tests.servers.databases import PostgresServer
from tests.support.browsing.browsers import pictures, running_chromium, serious_findings
from tests.support.data import rows
from tests.support.running.heard_components import HEARD_FOR, heard_components
from tests.support.running.serving_api import ServedApi, serving_api
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

WIDE: Final = ViewportSize(width=1440, height=900)
PHONE: Final = ViewportSize(width=390, height=844)
"""So far ahead of now are reports of health, so that they stay fresh for as long as the module takes."""
GATES: Final = {"live": "SNIPER_LIVE is not true", "keys": "", "clock": "", "reconciled": ""}
KEY: Final = {
    "accepted_at": "2026-03-02T12:00:00Z",
    "can_trade": True,
    "can_withdraw": False,
    "created_on": "2026-03-01",
    "ip_bound": False,
    "expires_on": "2026-05-30",
    "failings": [],
    "risks": ["the key is bound to no address"],
}


@dataclass(slots=True)
class Desk:
    """A served API, its database, and an operator who is signed in."""

    api: ServedApi
    browser: Browser
    context: BrowserContext

    @property
    def url(self) -> str:
        return str(self.api.client.base_url).rstrip("/")

    async def store(self, table: str, **row: Any) -> None:
        async with self.api.database.engine.begin() as connection:
            await rows.store(connection, table, **row)

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        async with self.api.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    async def signed_in(self, name: str, scope: Scope, **options: Any) -> BrowserContext:
        """Return the window of a user with a token of their own."""
        context = await self.browser.new_context(viewport=WIDE, **options)
        page = await context.new_page()
        await page.goto(f"{self.url}/sign-in")
        await page.locator("input[name=token]").fill(await self.api.make_token(name, scope))
        await page.keyboard.press("Enter")
        await expect(page.locator("#link")).to_have_text("connected")
        await page.close()
        return context

    async def page(self, view: str = "now", context: BrowserContext | None = None) -> Page:
        """Open the dashboard in a tab of its own, once all of it is read."""
        page = await (context or self.context).new_page()
        await page.goto(f"{self.url}/#{view}")
        await expect(page.locator("#link")).to_have_text("connected")
        await expect(page.locator("body")).not_to_have_class(re.compile("reading"))
        return page


async def tell(api: ServedApi, name: str, detail: str = "", **facts: Any) -> None:
    """Let the component of that name report."""
    status = "degraded" if detail else "running"
    statement = """
        INSERT INTO bot_health (component_name, status, detail, facts, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (component_name) DO UPDATE
        SET status = excluded.status, detail = excluded.detail, facts = excluded.facts, updated_at = excluded.updated_at
    """
    async with api.database.connection() as connection:
        await connection.execute(statement, name, status, detail, facts, utc_now() + HEARD_FOR)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer) -> AsyncIterator[Desk]:
    database_url = postgres_server.create_migrated_database()
    async with serving_api(database_url, requests_per_minute=100_000) as api, running_chromium(os.environ) as browser:
        await tell(api, "executor", gates=GATES, api_key=KEY)
        await tell(api, "exits")
        await tell(api, "ingest")
        desk = Desk(api, browser, await browser.new_context())
        desk.context = await desk.signed_in("operator", Scope.OPERATE, timezone_id="Asia/Tokyo")
        async with heard_components(api.database):
            yield desk
    postgres_server.drop_database(database_url)


def held(symbol: str, **more: Any) -> dict[str, Any]:
    price = {"average_price": 1, "peak_price": 1, "opened_at": utc_now()}
    return {"symbol": symbol, "listing_key": f"{symbol}:1", "base_asset": symbol.removesuffix("USDT"), **price, **more}


# What only a person decides.


async def test_an_order_in_doubt_is_shown_and_settled(desk: Desk) -> None:
    await desk.store("orders", client_order_id="sniper-DOUBT-1", symbol="DOUBTUSDT", listing_key="DOUBTUSDT:1")
    page = await desk.page()
    line = page.locator("#doubted tr", has_text="DOUBTUSDT")
    await expect(line).to_contain_text("not shown for 120 s")
    await line.get_by_role("button", name="Settle the order of DOUBTUSDT").click()
    await page.get_by_label("Outcome").select_option("It was filled")
    for label, text in (("Filled", "12.5"), ("Cost", "99.95"), ("Why you know", "as its history shows")):
        await page.get_by_role("textbox", name=label, exact=True).fill(text)
    assert await serious_findings(page) == []
    await page.get_by_role("button", name="Settle", exact=True).click()

    await expect(page.locator("#notes")).to_contain_text("asked to record what became of the order of DOUBTUSDT")
    assert await desk.fetch(
        "SELECT client_order_id, base_qty::text, cost::text, requested_by FROM settle_requests"
    ) == [("sniper-DOUBT-1", "12.5", "99.95", "token:operator")]
    await page.goto(f"{desk.url}/#history")
    await expect(page.locator("#history")).to_contain_text("settled sniper-DOUBT-1: filled 12.5 for 99.95")
    await page.goto(f"{desk.url}/#trades")
    await expect(page.locator("#all-orders tr", has_text="DOUBTUSDT")).to_contain_text("not shown for 120 s")
    await page.close()


async def test_what_cannot_be_sold_is_given_up_and_counts_as_open_nowhere(desk: Desk) -> None:
    await desk.store("positions", **held("DUSTUSDT", state="dust", note="less than the exchange takes"))
    await desk.store("positions", **held("OPENUSDT"))
    page = await desk.page()
    row = page.locator("#positions tr", has_text="DUSTUSDT")
    await expect(page.locator("#positions tr", has_text="OPENUSDT").get_by_role("button", name="Close")).to_be_visible()
    await expect(row.get_by_role("button", name="Close")).to_be_hidden()
    [(count,)] = await desk.fetch("SELECT count(*) FROM positions WHERE state = 'open'")
    await expect(page).to_have_title(re.compile(rf"^\({count}\) "))
    await row.get_by_role("button", name="Write off DUSTUSDT").click()
    await page.get_by_role("textbox", name="Why").fill("not worth a thought")
    await page.get_by_role("button", name="Write off", exact=True).click()

    await expect(page.locator("#notes")).to_contain_text("books DUSTUSDT as lost")
    assert await desk.fetch("SELECT listing_key, reason FROM write_offs") == [("DUSTUSDT:1", "not worth a thought")]
    await page.close()


async def test_sales_are_halted_and_that_everything_is_sold_is_said(desk: Desk) -> None:
    page = await desk.page("settings")
    await expect(page.locator("#sales")).to_have_text("on")
    await page.get_by_role("button", name="Halt and sell all…").click()
    await page.get_by_role("button", name="Halt and sell all", exact=True).click()
    await expect(page.locator("#halts")).to_contain_text("everything that is held is being sold")
    await expect(page.locator("#sales")).to_have_text("selling everything")
    await page.get_by_role("button", name="Halt sales, too…").click()
    await page.get_by_role("textbox", name="Why").fill("the book is empty")
    await page.get_by_role("button", name="Halt everything", exact=True).click()

    await expect(page.locator("#halts")).to_contain_text("nothing is bought or sold")
    await expect(page.locator("#sales")).to_have_text("halted")
    await page.get_by_role("button", name="Resume…").click()
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.locator("#sales")).to_have_text("on")
    await page.close()


async def test_names_without_a_place_are_acknowledged_where_health_names_them(desk: Desk) -> None:
    await desk.store("unplaced_symbols", symbol="A-LONG-NAME", acknowledged_by=None)
    await tell(desk.api, "ingest", "listed under a name without a place: A-LONG-NAME (Invalid symbol format)")
    page = await desk.page()
    await expect(page.locator("#unplaced-names")).to_contain_text("A-LONG-NAME Invalid symbol format, seen")
    await page.get_by_role("button", name="Acknowledge").click()

    await expect(page.locator("#unplaced")).to_be_hidden()
    assert await desk.fetch("SELECT acknowledged_by FROM unplaced_symbols") == [("token:operator",)]
    await tell(desk.api, "ingest")
    await page.close()


async def test_whoever_may_only_view_sees_every_control_off_and_why(desk: Desk) -> None:
    await desk.store("positions", **held("VIEWUSDT"))
    viewer = await desk.signed_in("guest", Scope.VIEW)
    for view in ("now", "settings", "trades"):
        page = await desk.page(view, viewer)
        await expect(page.locator("#view-only")).to_contain_text("“guest” may only view")
        for name in ("Halt", "Halt and sell all…", "Inject…"):
            await expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
        if view == "now":
            close = page.locator("#positions tr", has_text="VIEWUSDT").get_by_role("button", name="Close")
            await expect(close).to_be_disabled()
        if view == "settings":
            await expect(page.get_by_role("button", name="Switch on…")).to_be_disabled()
            await expect(page.get_by_label("At most for one trade")).to_be_disabled()
        assert await page.locator("fieldset[data-operate]").first.get_attribute("title") is not None
        assert await serious_findings(page) == []
        await page.close()
    await viewer.close()


async def test_what_may_be_done_is_asked_again_where_it_could_not_be_told(desk: Desk) -> None:
    viewer = await desk.signed_in("late", Scope.VIEW)
    page = await viewer.new_page()
    asked = 0

    async def fail_once(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            await route.continue_()
        else:
            await route.fulfill(status=503, json={"code": "database_away", "message": "the database is away"})

    await page.route("**/session", fail_once)
    await page.goto(desk.url)

    await expect(page.locator("#view-only")).to_contain_text("“late” may only view")
    await viewer.close()


async def test_a_stale_form_tells_of_every_change_that_came_between(desk: Desk) -> None:
    page = await desk.page("settings")
    await page.get_by_label("At most for one trade").fill("90")
    for changes in ({"max_trade_usdt": 80}, {"stop_loss_pct": 12}):
        etag = (await desk.api.client.get("/config")).headers["ETag"]
        (await desk.api.client.put("/config", json=changes, headers={"If-Match": etag})).raise_for_status()
    await page.get_by_role("button", name="Save").click()

    for words in ("max_trade_usdt 100.00 → 80", "stop_loss_pct 15 → 12", "by token:test"):
        await expect(page.locator("#config-stale")).to_contain_text(words)
    await page.close()


# What is shown.


async def test_nobody_is_said_not_to_be_watched_for_the_letters_of_another(desk: Desk) -> None:
    await desk.store("positions", **held("AUSDT"))
    await desk.store("positions", **held("BAUSDT"))
    await tell(desk.api, "exits", "1 positions are not watched: BAUSDT:1 (live)")
    page = await desk.page()
    first, second = (
        page.locator("#positions tr", has=page.locator(f"th:text-matches('^{name}')")) for name in ("AUSDT", "BAUSDT")
    )

    await expect(second).to_contain_text("needs a look")
    await expect(first).to_contain_text("watched")
    await expect(first).not_to_contain_text("needs a look")
    await tell(desk.api, "exits")
    await page.close()


async def test_an_opening_that_moved_is_marked_with_where_it_was(desk: Desk) -> None:
    moment = utc_now().replace(microsecond=0)
    await desk.store(
        "symbols",
        symbol="MOVEDUSDT",
        state="announced",
        first_seen_at=moment,
        opens_at=moment + timedelta(hours=2),
        opens_moved_from=moment + timedelta(hours=1),
    )
    page = await desk.page()

    item = page.locator("#upcoming li", has_text="MOVEDUSDT")
    was = f"{moment + timedelta(hours=1):%H:%M:%S}"
    await expect(item.locator(".moved")).to_have_text(re.compile(rf"moved from .*{was}"))
    await page.close()


async def test_what_happens_to_a_listing_while_its_story_is_being_read_is_in_it(desk: Desk) -> None:
    await desk.store("listings", symbol="RACEUSDT", listing_key="RACEUSDT:1", listed_at=utc_now())
    page = await desk.page()
    held_back: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        if held_back:
            await route.continue_()
        else:
            held_back.append(route)
            answer = await route.fetch()
            trade = {"event_id": "RACEUSDT:1:dry-run:BUY", "client_order_id": "sniper-RACEUSDT-1"}
            await desk.store("trades", symbol="RACEUSDT", listing_key="RACEUSDT:1", **trade)
            await expect(page.locator("#listings tr", has_text="RACEUSDT")).to_contain_text("bought on paper")
            await route.fulfill(response=answer)

    await page.route("**/listings/RACEUSDT", hold_the_first)
    await page.get_by_role("button", name="RACEUSDT").click()

    await expect(page.locator("#story")).to_contain_text("Bought on paper")
    await page.close()


async def test_gates_and_the_key_say_why(desk: Desk) -> None:
    page = await desk.page()

    gate = page.locator("#gates li", has_text="SNIPER_LIVE")
    await expect(gate).to_have_attribute("data-open", "false")
    await expect(gate).to_contain_text("SNIPER_LIVE is not true")
    key = page.locator("#api-key")
    await expect(key).to_contain_text("may trade · may not withdraw")
    await expect(key).to_contain_text("expires on 2026-05-30")
    await expect(page.locator("#api-key-wrong")).to_contain_text("bound to no address")
    await page.close()


async def test_what_is_at_stake_and_what_came_of_it_are_figures_of_the_database(desk: Desk) -> None:
    async with desk.api.database.connection() as connection:
        await connection.execute("UPDATE exposure SET filled_usdt = 250, ceiling_usdt = 1000 WHERE mode = 'live'")
    sold = {"state": "closed", "closed_at": utc_now(), "paid": 100, "received_usdt": 112, "proceeds": "112.5"}
    await desk.store("positions", **held("WONUSDT", **sold, cost_usdt=0, base_qty=0))
    page = await desk.page()
    await page.get_by_role("button", name="live", exact=True).click()

    await expect(page.locator("#exposure li", has_text="live")).to_contain_text("250.00 of 1,000 USDT")
    await expect(page.locator("#result-today")).to_have_text("+12.50")
    await page.close()


async def test_closed_positions_are_filtered_paged_and_saved_as_a_file(desk: Desk, tmp_path: Path) -> None:
    until = utc_now() - timedelta(days=3)
    for number in range(55):
        ended = {"state": "closed", "closed_at": until - timedelta(minutes=number), "mode": "dry-run"}
        await desk.store("positions", **held(f"OLD{number}USDT", **ended))
    page = await desk.page("trades")
    shown, form = page.locator("#closed tr"), page.locator("#closed-filters")
    await form.get_by_label("Mode").select_option("dry-run")
    await expect(shown).to_have_count(50)
    await page.locator("#closed-more").click()
    await expect(shown).to_have_count(55)
    await expect(page.locator("#closed-more")).to_be_hidden()
    await form.get_by_label("Since").fill(f"{until - timedelta(minutes=9, seconds=30):%Y-%m-%dT%H:%M:%S}")
    await expect(shown).to_have_count(10)
    async with page.expect_download() as download:
        await form.get_by_role("link", name="CSV").click()
    path = tmp_path / "closed.csv"
    await (await download.value).save_as(path)

    assert (await download.value).suggested_filename == "closed.csv"
    assert [row["symbol"] for row in csv.DictReader(path.read_text().splitlines())] == [
        f"OLD{number}USDT" for number in range(10)
    ]
    await form.get_by_label("Coin").fill("nothing")
    await page.keyboard.press("Enter")
    await expect(page.locator("#closed-none")).to_be_visible()
    await page.close()


async def test_latency_is_drawn_by_the_hour_for_the_stage_that_is_chosen(desk: Desk) -> None:
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    for ago, stage in ((0, "order"), (1, "order"), (2, "order"), (0, "publish")):
        await desk.store("latency_hours", hour=hour - timedelta(hours=ago), stage=stage, mode="live")
    page = await desk.page()
    await page.get_by_role("button", name="live", exact=True).click()
    bars = page.locator("#latency-chart .part")
    await page.get_by_label("Chart of speed").select_option("order")
    await expect(page.locator("#speed-chart")).to_be_hidden()
    await expect(bars).to_have_count(3)
    await expect(page.locator("#latency-chart svg")).to_have_attribute(
        "aria-label", re.compile("p50 .* p95 .* samples")
    )
    await page.get_by_role("button", name="dry-run", exact=True).click()
    # At once: it is drawn again with the next statistics.
    assert await bars.count() == 0
    await page.get_by_role("button", name="live", exact=True).click()
    assert await bars.count() == 3
    await page.get_by_label("Chart of speed").select_option("publish")

    await expect(bars).to_have_count(1)
    await page.get_by_label("Chart of speed").select_option("")
    await expect(page.locator("#latency-chart")).to_be_hidden()
    await page.close()


async def test_times_and_theme_are_kept(desk: Desk) -> None:
    await desk.store("trades", event_id="kept", client_order_id="kept", created_at=utc_now() - timedelta(days=9))
    page = await desk.page("trades")
    cell = page.locator("#all-trades tr").last.locator("td").first
    await expect(cell).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    utc = await cell.inner_text()
    await page.locator("#times").click()
    await expect(cell).not_to_have_text(utc)
    local = await cell.inner_text()
    await page.locator("#theme").click()
    theme = await page.locator("html").get_attribute("data-theme")
    await page.reload()

    await expect(page.locator("#times")).to_have_text("local")
    await expect(cell).to_have_text(local)
    assert (int(local[-8:-6]) - int(utc[-8:-6])) % 24 == 9
    await expect(page.locator("html")).to_have_attribute("data-theme", str(theme))
    await page.locator("#times").click()
    await expect(cell).to_have_text(utc)
    await page.evaluate("localStorage.removeItem('theme')")
    await page.close()


NOTED: Final = """
window.noted = [];
window.Notification = class { constructor(title, options) { window.noted.push(`${title}: ${options.body}`); } };
window.Notification.permission = "granted";
window.Notification.requestPermission = async () => "granted";
"""


async def test_a_trade_is_notified_where_that_was_asked_for(desk: Desk) -> None:
    page = await desk.context.new_page()
    await page.add_init_script(NOTED)
    await page.goto(f"{desk.url}/")
    await expect(page.locator("#link")).to_have_text("connected")
    await page.locator("#notify").click()
    await expect(page.locator("#notify")).to_have_attribute("aria-pressed", "true")
    await desk.store("trades", event_id="told", client_order_id="told", symbol="TOLDUSDT", created_at=utc_now())

    # Not by `wait_for_function`, which evaluates its text on the page: the content policy forbids that.
    noted = await eventually(lambda: page.evaluate("window.noted"))
    assert noted == ["Bought TOLDUSDT: 100.00 USDT, dry-run"]
    await page.locator("#notify").click()
    await page.close()


async def test_a_page_without_shared_workers_has_a_stream_of_its_own(desk: Desk) -> None:
    page = await desk.context.new_page()
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    await page.add_init_script("delete window.SharedWorker")
    await page.goto(f"{desk.url}/")
    await expect(page.locator("#link")).to_have_text("connected")
    await desk.store("listings", symbol="ALONEUSDT", listing_key="ALONEUSDT:1", created_at=utc_now())

    await expect(page.locator("#listings")).to_contain_text("ALONEUSDT")
    assert await page.evaluate("'SharedWorker' in window") is False
    assert len(streams) == 1
    await page.close()


# Accessibility of what is open for a moment only.


async def test_the_sign_in_page_has_no_serious_finding(desk: Desk) -> None:
    stranger = await desk.browser.new_context()
    page = await stranger.new_page()
    await page.goto(f"{desk.url}/sign-in")

    assert await serious_findings(page) == []
    await stranger.close()


DIALOGS: Final = [
    ("now", "Inject…"),
    ("now", "Halt and sell all…"),
    ("now", "Change the exits of DIALOGUSDT"),
    ("now", "Close DIALOGUSDT"),
    ("settings", "Switch on…"),
    ("settings", "Pause…"),
    ("settings", "Halt sales, too…"),
]


async def test_no_dialog_has_a_serious_finding(desk: Desk) -> None:
    await desk.store("positions", **held("DIALOGUSDT"))
    for view in ("now", "settings"):
        page = await desk.page(view)
        for button in (name for place, name in DIALOGS if place == view):
            await page.get_by_role("button", name=button, exact=True).click()
            await expect(page.locator("#dialog")).to_be_visible()
            assert await serious_findings(page) == [], button
            await page.keyboard.press("Escape")
        await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_and_a_story_have_no_serious_finding(desk: Desk, scheme: Any) -> None:
    await desk.store("listings", symbol=f"{scheme.upper()}USDT", listing_key=f"{scheme.upper()}USDT:1")
    page = await desk.page()
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size(PHONE)
    assert await serious_findings(page) == []
    await page.evaluate(
        "symbol => dispatchEvent(new CustomEvent('follow', { detail: symbol }))", f"{scheme.upper()}USDT"
    )
    await expect(page.locator("#story")).to_be_visible()

    assert await serious_findings(page) == []
    await page.close()


async def test_a_step_that_another_clock_put_before_the_frame_has_one_sign(desk: Desk) -> None:
    at = utc_now()
    stored = {"symbol": "SKEWEDUSDT", "listing_key": "SKEWEDUSDT:1", "observed_at": at}
    await desk.store("listings", **stored, created_at=at - timedelta(milliseconds=90))
    page = await desk.page()
    await page.evaluate("dispatchEvent(new CustomEvent('follow', { detail: 'SKEWEDUSDT' }))")

    await expect(page.locator("#story .steps li", has_text="stored").locator(".number")).to_have_text("−90 ms")
    await expect(page.locator("#story .steps li", has_text="observed").locator(".number")).to_have_text("+0.0 ms")
    await page.close()


async def test_two_positions_are_seen_at_once_beside_many_listings(desk: Desk) -> None:
    for symbol in ("FIRSTHELDUSDT", "SECONDHELDUSDT"):
        await desk.store("positions", **held(symbol, mode="dry-run", average_price="0.0000123456", peak_price="0.0001"))
    for number in range(20):
        await desk.store("listings", symbol=f"MANY{number}USDT", listing_key=f"MANY{number}USDT:1")
    page = await desk.page()
    await page.set_viewport_size({"width": 1280, "height": 770})
    await expect(page.locator("#listings tr")).not_to_have_count(0)
    await expect(page.locator("#positions tr", has_text="SECONDHELDUSDT")).to_have_count(1)

    seen = await page.locator("#positions").evaluate(
        """rows => {
            const end = rows.closest(".scroll").getBoundingClientRect().bottom + 1;
            return [...rows.children].filter(each => each.getBoundingClientRect().bottom <= end).length;
        }"""
    )
    assert seen >= 2
    await page.close()


async def test_pages_with_everything_on_them_fit_every_width(desk: Desk) -> None:
    small = {"average_price": "0.0000123456", "peak_price": "0.0000234567"}
    await desk.store("positions", **held("ALONGERNAMEUSDT", **small))
    for view in ("now", "trades", "settings", "history"):
        page = await desk.page(view)
        assert await pictures(page, f"rows-{view}") == []
        await page.close()
