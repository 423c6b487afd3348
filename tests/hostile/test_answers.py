"""An exchange that lies in its answers: orders behind refusals, codes without a meaning, rules of yesterday."""

import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.hostile.ground import Ground
from tests.support.running.processes import Sniper
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

LOOK_UP: Final = "GET /api/v3/order"
UNDER_WAY_SECONDS: Final = 0.25
"""What is on its way when the exchange asks for quiet arrives all the same."""
LISTED: Final = "GET /api/v3/exchangeInfo"
"""Read by a test, too, when it lists a coin."""
SETTINGS: Final[Mapping[str, Any]] = {"order_usdt": 95, "stop_loss_pct": 20, "quote_assets": "USDT,USDC"}
"""Of every test, so that one executor serves all of them."""


@pytest.mark.parametrize("status", [403, 429, 418])
async def test_an_order_behind_a_refusal_is_found_and_not_sent_again(ground: Ground, status: int) -> None:
    """M5."""
    symbol = f"BEHIND{status}USDT"
    await ground.staffed(**SETTINGS)
    await ground.exchange.arm("http_status", status=status, accept=True, retry_after=1)
    await ground.buys(symbol)
    await ground.order(symbol, "filled")

    assert await statuses(ground, symbol) == [status]


async def statuses(ground: Ground, symbol: str, side: str = "BUY") -> list[int]:
    """Return what the exchange answered to the requests of that side."""
    return [each["status"] for each in await ground.posted(symbol, side)]


@pytest.mark.parametrize("code", [-1, -1000, 987654])
async def test_a_code_without_a_known_meaning_proves_nothing(ground: Ground, code: int) -> None:
    """M6."""
    symbol = f"ODD{abs(code)}USDT"
    await ground.staffed(**SETTINGS)
    await ground.exchange.arm("api_error", code=code, message="being processed, query later", accept=True)
    await ground.buys(symbol)
    await ground.order(symbol, "filled")

    assert await statuses(ground, symbol) == [400]


@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_an_order_is_sent_in_the_scale_of_today(ground: Ground, side: str) -> None:
    """M9: the exchange takes fewer decimals than the listing said, before the purchase or after it."""
    symbol = f"COARSE{side.upper()}USDT"
    await ground.staffed(**SETTINGS)
    listing = await ground.lists(symbol, price_decimals=4, quantity_decimals=2)
    if side == "buy":
        await ground.exchange.change_coin(symbol, price_decimals=1, quantity_decimals=0)
    await ground.announces(listing)
    await ground.position(symbol, "open")
    await ground.exchange.change_coin(symbol, price_decimals=1, quantity_decimals=0)
    await ground.falls(symbol)
    await ground.position(symbol, "closed", "dust")

    assert await statuses(ground, symbol) == ([400, 200] if side == "buy" else [200])
    assert await statuses(ground, symbol, "SELL") in (
        [200],
        [400, 200],
    )  # Rules are read before it, or after a refusal.


async def test_orders_stay_within_the_prices_that_the_exchange_allows(ground: Ground) -> None:
    """M10."""
    await ground.staffed(**SETTINGS)
    await ground.buys("NARROWUSDT", price_protection="0.03")
    await ground.falls("NARROWUSDT")
    await ground.sold("NARROWUSDT")

    assert await statuses(ground, "NARROWUSDT") == [200]
    assert set(await statuses(ground, "NARROWUSDT", "SELL")) == {200}


async def test_a_price_band_that_no_filter_names_is_found_by_the_refusal(ground: Ground) -> None:
    """M10."""
    await ground.staffed(**SETTINGS)
    await ground.buys("SECRETUSDT", price_protection="0.03", filters=[])
    await ground.falls("SECRETUSDT")
    await ground.sold("SECRETUSDT")

    assert await statuses(ground, "SECRETUSDT") == [400, 200]
    assert (await statuses(ground, "SECRETUSDT", "SELL"))[-1] == 200


FORMS: Final[Mapping[str, tuple[Mapping[str, Any], float]]] = {
    "decimals": ({"retry_after": "1.5"}, 1.5),
    "blanks": ({"retry_after": " 2 "}, 2),
    "moment": ({"retry_after_in": 2}, 2),
}
"""The answer's header, and the seconds of quiet that it means."""


@pytest.mark.parametrize("status", [429, 418])
@pytest.mark.parametrize("form", FORMS)
async def test_every_question_keeps_quiet_for_as_long_as_the_exchange_says(
    ground: Ground, form: str, status: int
) -> None:
    """M23: the price of one coin is due ten times a second, and the look-up of another sooner."""
    symbol = f"QUIET{form.upper()}{status}USDT"
    said, seconds = FORMS[form]
    await ground.allows(trade_usdt=100, position_usdt=300)
    await ground.staffed(**SETTINGS)
    await ground.buys(f"W{form.upper()}{status}USDT")
    listing = await ground.lists(symbol)
    await ground.exchange.arm("http_status", endpoint=LOOK_UP, status=status, **said)
    await ground.exchange.arm("drop_connection", accept=True)
    await ground.announces(listing)
    await ground.position(symbol, "open")

    assert await silence_seconds(ground, symbol) > seconds - UNDER_WAY_SECONDS


async def silence_seconds(ground: Ground, symbol: str) -> float:
    """Return the longest time without any request since the purchase of *symbol* was received."""
    [bought] = await ground.posted(symbol)
    times = [int(each["received_at_ns"]) for each in await ground.exchange.traffic()]
    since = [each for each in times if each >= int(bought["received_at_ns"])]
    return max(after - before for before, after in itertools.pairwise(since)) / 1e9


CAPS: Final[Mapping[str, int]] = {
    "cannot exceed：{amount}{asset}": 1,
    "cannot exceed : {amount} {asset}": 1,
    "cannot exceed {amount:,}{asset}": 1,
    "the highest is in another place": 2,
}
"""What is said, and how many refusals it takes: without a number the price is brought nearer to the last trade."""
DEAR: Final[Mapping[str, Any]] = {"price": "1000", "asks": [("1000", "100")], "bids": [("990", "100")]}


@pytest.mark.parametrize("quote", ["USDT", "USDC"])
@pytest.mark.parametrize("words", CAPS)
async def test_a_cap_is_read_in_every_spelling(ground: Ground, words: str, quote: str) -> None:
    """M24."""
    symbol = f"CAP{list(CAPS).index(words)}{quote}"
    await ground.exchange.fund(USDC="1000")
    await ground.staffed(**SETTINGS)
    await ground.buys(symbol, guard_seconds=600, guard_cap="1020", cap_words=words, **DEAR)

    assert await statuses(ground, symbol) == [400] * CAPS[words] + [200]


LEAST: Final = ("less than：{amount}{asset}", "less than : {amount} {asset}", "too small")


@pytest.mark.parametrize("quote", ["USDT", "USDC"])
@pytest.mark.parametrize("words", LEAST)
async def test_the_least_amount_is_read_in_every_spelling(ground: Ground, words: str, quote: str) -> None:
    """M24: within 3 % of the price 97.80 are sent, 99 is the least of today, and the order may cost 99.75.

    Where no number can be read, the rules are read again.
    """
    symbol = f"LEAST{LEAST.index(words)}{quote}"
    await ground.exchange.fund(USDC="1000")
    await ground.staffed(**SETTINGS)
    listing = await ground.lists(symbol, notional_min="1", min_words=words, price_protection="0.03")
    await ground.exchange.change_coin(symbol, notional_min="99")
    await ground.announces(listing)
    await ground.position(symbol, "open")
    await ground.exchange.change_coin(symbol, price="1.2")  # So that what is held can be sold.

    assert await statuses(ground, symbol) == [400, 200]


async def test_words_that_the_database_cannot_hold_cost_their_order_nothing_but_the_words(ground: Ground) -> None:
    """M26: no database holds a NUL."""
    await ground.staffed(**SETTINGS)
    await ground.exchange.arm("api_error", code=10098, message="risk \x00 control 风控")
    listing = await ground.lists("WORDSUSDT")
    await ground.announces(listing)
    refused = await ground.order("WORDSUSDT", "rejected")
    await ground.told(listing)

    assert refused["error_reason"].startswith("risk_control")
    assert await ground.exposure() == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("code", [26, 70011])
async def test_a_pair_that_we_are_barred_from_is_refused_and_the_next_is_bought(ground: Ground, code: int) -> None:
    """D7."""
    barred, next_one = f"BARRED{code}USDT", f"FREE{code}USDT"
    await ground.staffed(**SETTINGS)
    await ground.exchange.arm("api_error", code=code, message="operation not allowed", symbol=barred)
    await ground.announces(await ground.lists(barred))
    refused = await ground.order(barred, "rejected")
    await ground.buys(next_one)

    assert refused["error_reason"].startswith("pair_refused")
    assert await ground.rows("SELECT 1 FROM halts") == []


async def test_three_pairs_in_a_row_that_we_are_barred_from_halt_trading(ground: Ground) -> None:
    """D7."""
    await ground.staffed(**SETTINGS)
    await ground.exchange.arm("api_error", code=26, message="operation not allowed", count=None)
    for number in range(3):
        await ground.announces(await ground.lists(f"BARRED{number}USDT"))
        await ground.order(f"BARRED{number}USDT", "rejected")
    await eventually(lambda: ground.rows("SELECT 1 FROM halts"))
    await ground.exchange.disarm()
    await ground.announces(await ground.lists("FOURTHUSDT"))
    refused = await ground.order("FOURTHUSDT", "rejected")

    assert refused["error_reason"].startswith("halted")
    assert await ground.posted("FOURTHUSDT") == []


async def test_a_ban_that_names_no_time_is_kept_for_minutes(fresh_ground: Ground) -> None:
    """M23: one request more within it would make it longer."""
    ground = fresh_ground
    await ground.allows(trade_usdt=100, position_usdt=300)
    running = await ground.staffed(**SETTINGS)
    await ground.buys("BANNEDUSDT")
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/depth", status=418)
    await eventually(lambda: quiet_seconds(running))
    asked = await ground.exchange.requests()
    for symbol in ("DURING0USDT", "DURING1USDT"):
        await ground.announces(await ground.lists(symbol))
        refused = await ground.order(symbol, "rejected")
        assert refused["error_reason"].startswith("too_many_requests")
    after = await ground.exchange.requests()

    assert after == {**asked, LISTED: after[LISTED]}
    assert await quiet_seconds(running) > 60


async def test_purchases_that_a_ban_keeps_from_being_made_are_no_failures_and_halt_nothing(ground: Ground) -> None:
    """Neither their prices nor their rules came along, and no question may be asked: nothing of ours is broken."""
    await ground.allows(trade_usdt=20, position_usdt=300)
    running = await ground.staffed(**SETTINGS, failures_max=2)
    await ground.buys("BEFOREUSDT")
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/depth", status=418, retry_after=8)
    await eventually(lambda: quiet_seconds(running))
    for symbol in ("BARE0USDT", "BARE1USDT", "BARE2USDT"):
        bare = (await ground.lists(symbol)).model_copy(update={"price": None, "rules": None})
        await ground.announces(bare)
    for symbol in ("BARE0USDT", "BARE1USDT", "BARE2USDT"):
        refused = await ground.order(symbol, "rejected")
        assert refused["error_reason"].startswith("too_many_requests")
    await eventually(lambda: _is_quiet_no_more(running), within_seconds=20)
    await ground.buys("AFTERUSDT")

    assert await ground.rows("SELECT * FROM halts") == []


async def _is_quiet_no_more(running: Sniper) -> bool:
    return await quiet_seconds(running) == 0


async def quiet_seconds(running: Sniper) -> float:
    """Return for how long the executor asks nothing."""
    families = text_string_to_metric_families((await running.get("/metrics")).text)
    return next(each.samples[0].value for each in families if each.name == "sniper_executor_rate_quiet_seconds")
