"""Exits by streams: what pushes must show before a coin is sold, and what takes over where none come.

Where ticks are scripted the book that REST shows, and that orders meet, stays as it is: a bid of 0.99.
"""

import asyncio
import itertools
from decimal import Decimal
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.hostile.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

STREAMS: Final[dict[str, Any]] = {"exit_streams": True, "stop_loss_pct": 20, "stream_check_seconds": 60}
LEARNED: Final = "SELECT 1 FROM positions WHERE symbol = 'MISSEDUSDT' AND stop_reference IS NOT NULL"
QUOTES: Final = "sniper_executor_exit_quotes"
TICKS: Final = "sniper_executor_price_ticks"
DISCONNECTS: Final = "sniper_executor_websocket_disconnects"
FINE: Final[dict[str, Any]] = {"bid": ("0.99", "100000"), "ask": ("1", "100000")}
FALLEN: Final[dict[str, Any]] = {"bid": ("0.7", "100000"), "ask": ("0.71", "100000")}
THROUGH: Final[dict[str, Any]] = {"deals": [("0.7", "5")]}
DIRTY: Final[dict[str, list[dict[str, Any]]]] = {
    "unreadable": [
        {"bid": ("NaN", "100000"), "ask": ("0.71", "1")},
        {"bid": ("-0.7", "100000"), "ask": ("0.71", "1")},
        {"bid": ("0", "100000"), "ask": ("0.71", "1")},
        {"bid": ("0.7", "1e999999"), "ask": ("0.71", "1")},
        {"bid": ("0.7", "Infinity"), "ask": ("0.71", "1")},
    ],
    "empty": [{"bid": ("", ""), "ask": ("0.71", "1")}, {"bid": ("0.7", ""), "ask": ("0.71", "1")}],
    "crossed": [{"bid": ("0.7", "100000"), "ask": ("0.6", "100000")}],
    "foreign": [FALLEN | {"named": "OTHERUSDT"}],
    "old": [FALLEN | {"version": "3"}, FALLEN | {"version": "9", "sent_ms": 1}],
}


async def counted(ground: Ground, family: str, **labels: str) -> float:
    """Return what the executor counted."""
    assert ground.resident is not None
    families = text_string_to_metric_families((await ground.resident.get("/metrics")).text)
    samples = (sample for each in families if each.name == family for sample in each.samples)
    return sum(each.value for each in samples if each.name.endswith("_total") and labels.items() <= each.labels.items())


async def counts_more(ground: Ground, family: str, more: float = 1, **labels: str) -> None:
    """Return once the executor has counted *more* since now."""
    before = await counted(ground, family, **labels)

    async def has_counted() -> bool:
        return await counted(ground, family, **labels) >= before + more

    await eventually(has_counted)


async def follows(ground: Ground, *symbols: str) -> None:
    """Hold *symbols*, and return once each is judged by its stream, which is scripted from then on."""
    for symbol in symbols:
        await ground.buys(symbol)
    for symbol in symbols:

        async def is_followed(symbol: str = symbol) -> bool:
            return await ground.exchange.tick(symbol, FINE) > 0

        await eventually(is_followed)
        await ground.exchange.tick(symbol, FINE | {"version": "5"})
    await counts_more(ground, QUOTES, 2 * len(symbols), source="stream")


async def sells_by(ground: Ground, symbol: str, *ticks: dict[str, Any]) -> dict[str, Any]:
    """Push a good price and *ticks* until *symbol* is sold, and return the request.

    On a busy machine a look by REST may come between two of them, and contradict the first.
    """
    versions = itertools.count(100)

    async def is_sold() -> list[dict[str, Any]]:
        numbered = ({**tick, "version": str(next(versions))} for tick in (FINE, *ticks))
        await ground.exchange.tick(symbol, *numbered)
        return await ground.posted(symbol, "SELL")

    sales: list[dict[str, Any]] = await eventually(is_sold, within_seconds=20, every_seconds=0.5)
    await ground.sold(symbol)
    return sales[0]


async def still_holds(ground: Ground, symbol: str) -> None:
    """Return once further looks were taken and nothing of *symbol* was sold."""
    await counts_more(ground, QUOTES, 8)
    await ground.position(symbol, "open")
    assert await ground.posted(symbol, "SELL") == []


async def test_two_pushes_in_a_row_sell_before_rest_shows_anything(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "TWOUSDT")
    sale = await sells_by(ground, "TWOUSDT", FALLEN, FALLEN)

    assert Decimal(sale["parameters"]["price"]) == Decimal("0.665")
    assert ground.resident is not None
    assert "prices=stream" in ground.resident.log.read_text() or '"prices":"stream"' in ground.resident.log.read_text()


async def test_a_single_push_sells_nothing(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "ONEUSDT")
    await ground.exchange.tick("ONEUSDT", FALLEN | {"version": "6"})

    await still_holds(ground, "ONEUSDT")


async def test_a_single_push_among_good_ones_sells_nothing(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "WICKUSDT")
    for version in range(10, 60, 5):
        fallen, fine = FALLEN | {"version": str(version)}, FINE | {"version": str(version + 1)}
        await ground.exchange.tick("WICKUSDT", fallen, fine)

    await still_holds(ground, "WICKUSDT")


async def test_a_push_that_came_twice_counts_once(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "SAMEUSDT")
    same = FALLEN | {"version": "6", "sent_ms": 4_000_000_000_000}
    await ground.exchange.tick("SAMEUSDT", same, same, same)

    await still_holds(ground, "SAMEUSDT")


async def test_a_trade_through_the_price_confirms_a_push(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "TRADEUSDT")

    await sells_by(ground, "TRADEUSDT", FALLEN, THROUGH)


async def test_trades_alone_sell_nothing(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "DEALUSDT")
    await ground.exchange.tick("DEALUSDT", THROUGH, THROUGH, THROUGH, FINE | {"version": "6"})

    await still_holds(ground, "DEALUSDT")


async def test_as_many_pushes_are_needed_as_the_setting_says(ground: Ground) -> None:
    await ground.staffed(**STREAMS, stream_confirmations=4)
    await follows(ground, "FOURUSDT")
    await ground.exchange.tick("FOURUSDT", *(FALLEN | {"version": str(version)} for version in (6, 7, 8)))
    await still_holds(ground, "FOURUSDT")

    await sells_by(ground, "FOURUSDT", *[FALLEN] * 4)


@pytest.mark.parametrize("reason", DIRTY)
async def test_a_dirty_push_sells_nothing_and_concerns_its_coin_alone(ground: Ground, reason: str) -> None:
    await ground.staffed(**STREAMS)
    dirty, clean = f"DIRTY{reason.upper()}USDT", f"CLEAN{reason.upper()}USDT"
    await ground.allows(trade_usdt=50, position_usdt=500)
    await follows(ground, dirty, clean)
    before = await counted(ground, TICKS, result=reason)
    await ground.exchange.tick(dirty, *(DIRTY[reason] * 3))

    async def all_are_counted() -> bool:
        return await counted(ground, TICKS, result=reason) >= before + len(DIRTY[reason]) * 3

    await eventually(all_are_counted)
    await sells_by(ground, clean, FALLEN, FALLEN)

    await still_holds(ground, dirty)


async def test_a_frame_that_cannot_be_read_sells_nothing(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "RAWUSDT")
    await ground.exchange.tick("RAWUSDT", {"raw": "ff" * 64}, {"raw": ""}, FINE | {"version": "6"})

    await still_holds(ground, "RAWUSDT")


async def test_a_little_best_bid_has_the_book_read_before_all_is_sold(ground: Ground) -> None:
    """The book is where it was, so that nothing is sold; and when it has fallen as well, all of it is."""
    await ground.staffed(**STREAMS)
    await follows(ground, "CRUMBUSDT")
    crumb = {"bid": ("0.7", "0.5"), "ask": ("0.71", "100000")}
    await ground.exchange.tick("CRUMBUSDT", crumb | {"version": "6"}, crumb | {"version": "7"})
    await still_holds(ground, "CRUMBUSDT")
    await ground.falls("CRUMBUSDT")
    await ground.exchange.tick("CRUMBUSDT", crumb | {"version": "8"}, crumb | {"version": "9"})

    await ground.sold("CRUMBUSDT")


async def test_a_look_that_the_exchange_refused_is_made_up_for_without_another_push(ground: Ground) -> None:
    """Pushes have shown a stop that only the book can decide on; the next look of its own is far."""
    await ground.staffed(**STREAMS)
    await ground.buys("MISSEDUSDT")
    await eventually(lambda: ground.rows(LEARNED))
    await ground.staffed(**STREAMS | {"exit_check_seconds": 10})

    async def is_followed() -> bool:
        return await ground.exchange.tick("MISSEDUSDT", FINE) > 0

    await eventually(is_followed)
    await ground.falls("MISSEDUSDT")
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/depth", status=429, retry_after=2)
    crumb = {"bid": ("0.7", "0.5"), "ask": ("0.71", "100000")}
    await ground.exchange.tick("MISSEDUSDT", crumb | {"version": "6"}, crumb | {"version": "7"})

    await ground.sale_on_the_wire("MISSEDUSDT", within_seconds=8)
    await ground.sold("MISSEDUSDT")


async def test_a_gain_that_one_push_shows_is_not_taken(ground: Ground) -> None:
    await ground.staffed(exit_streams=True, stream_check_seconds=60, take_profit_pct=20)
    await follows(ground, "GAINUSDT")
    risen = {"bid": ("1.3", "100000"), "ask": ("1.31", "100000")}
    await ground.exchange.tick("GAINUSDT", risen | {"version": "6"})
    await still_holds(ground, "GAINUSDT")
    await ground.exchange.change_coin("GAINUSDT", price="1.3", bids=[risen["bid"]], asks=[risen["ask"]])
    await ground.exchange.tick("GAINUSDT", risen | {"version": "7"}, risen | {"version": "8"})

    await ground.sold("GAINUSDT")


FAULTS: Final[dict[str, str]] = {
    "connections are refused": "ws_refuse_connection",
    "subscriptions are refused": "ws_refuse_subscription",
    "streams are silent": "ws_silence",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
async def test_rest_takes_over_where_streams_fail_while_a_coin_is_held(ground: Ground, fault: str) -> None:
    await ground.staffed(**STREAMS)
    symbol = f"{fault.removeprefix('ws_').replace('_', '')[:12].upper()}USDT"
    await follows(ground, symbol)
    await ground.exchange.arm(fault, count=None)
    if fault != "ws_silence":
        await ground.exchange.arm("ws_disconnect")
    await counts_more(ground, QUOTES, 3, source="rest")
    await ground.falls(symbol)

    await ground.sold(symbol)


async def test_rest_takes_over_where_streams_never_come(ground: Ground) -> None:
    await ground.relieved()
    await ground.exchange.arm("ws_refuse_connection", count=None)
    await ground.staffed(**STREAMS)
    await ground.buys("NEVERUSDT")
    await counts_more(ground, QUOTES, 3, source="rest")
    await ground.falls("NEVERUSDT")

    await ground.sold("NEVERUSDT")


async def test_streams_are_used_again_after_they_were_lost(ground: Ground) -> None:
    await ground.staffed(**STREAMS)
    await follows(ground, "AGAINUSDT")
    lost = await counted(ground, DISCONNECTS)
    await ground.exchange.arm("ws_disconnect")

    async def is_lost() -> bool:
        await ground.exchange.tick("AGAINUSDT", FINE | {"version": "19"})
        return await counted(ground, DISCONNECTS) > lost

    async def is_followed() -> bool:
        return await ground.exchange.tick("AGAINUSDT", FINE | {"version": "20"}) > 0

    await eventually(is_lost)
    await eventually(is_followed)
    await counts_more(ground, QUOTES, 3, source="stream")

    await sells_by(ground, "AGAINUSDT", FALLEN, FALLEN)


async def test_best_prices_that_rest_does_not_show_are_not_believed(ground: Ground) -> None:
    """The subscription died, and its connection lives: the book that REST shows has long been another."""
    await ground.staffed(**STREAMS | {"stream_check_seconds": 0.5})
    await follows(ground, "STUCKUSDT")
    await ground.falls("STUCKUSDT")

    await ground.sold("STUCKUSDT")


async def test_pushes_that_seem_old_hold_up_no_stop(ground: Ground) -> None:
    """The exchange counts anew, or one push came from the future: what stood before them is not the price of now."""
    await ground.staffed(**STREAMS)
    await follows(ground, "ANEWUSDT")
    await ground.falls("ANEWUSDT")
    await ground.exchange.tick("ANEWUSDT", *(FALLEN | {"version": version} for version in ("1", "2")))

    await ground.sale_on_the_wire("ANEWUSDT", within_seconds=5)
    await ground.sold("ANEWUSDT")


async def test_pushes_that_lag_behind_hold_up_no_stop_that_rest_shows(ground: Ground) -> None:
    """They are as frequent as ever, so that no best prices stand for long enough to be doubted."""
    await ground.staffed(**STREAMS | {"stream_check_seconds": 0.5})
    await follows(ground, "LAGUSDT")

    async def lags() -> None:
        for version in itertools.count(100):
            await ground.exchange.tick("LAGUSDT", FINE | {"version": str(version)})

    async with asyncio.TaskGroup() as tasks:
        pushing = tasks.create_task(lags())
        await ground.falls("LAGUSDT")
        try:
            await ground.sold("LAGUSDT")
        finally:
            pushing.cancel()


async def test_nothing_is_followed_where_streams_are_switched_off(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("OFFUSDT")
    await ground.looked()

    assert await ground.exchange.tick("OFFUSDT", FALLEN) == 0
    assert await counted(ground, QUOTES, source="stream") == 0
