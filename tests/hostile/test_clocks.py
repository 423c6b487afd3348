"""Clocks that are apart, clocks that step, and words that come late or in the wrong order."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from shared.events import Listing
from tests.hostile.ground import Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

LATE_MS_MAX: Final = 2500


@pytest.mark.parametrize("seconds", [30, -30])
async def test_a_clock_that_steps_after_a_timeout_declares_no_filled_order_absent(
    fresh_ground: Ground, seconds: int
) -> None:
    """M18: the exchange's step is ours the other way round."""
    ground = fresh_ground
    await ground.staffed()
    await ground.exchange.hide(seconds=2)
    await ground.exchange.arm("drop_connection", accept=True)
    await ground.announces(await ground.lists("STEPUSDT"))
    await ground.order("STEPUSDT", "unknown")
    await ground.exchange.arm("clock_skew", seconds=seconds)
    await ground.position("STEPUSDT", "open", within_seconds=80)
    await ground.order("STEPUSDT", "filled")

    assert len(await ground.posted("STEPUSDT")) == 1
    await ground.agrees()


@pytest.mark.parametrize("ahead_seconds", [-1.5, -3, 3])
async def test_an_opening_is_met_by_the_exchanges_clock(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path, ahead_seconds: float
) -> None:
    """M19: by a clock that is three seconds behind it would come three seconds late, or not at all."""
    async with a_ground(postgres_server, rabbitmq_server, tmp_path, clock_ahead_seconds=ahead_seconds) as ground:
        await ground.staffed(stop_loss_pct=20)
        listing = await ground.lists("APARTUSDT", opens_in=2)
        await ground.announces(opening(listing, ground, 2))
        await ground.position("APARTUSDT", "open")
        shown = await ground.exchange.coin("APARTUSDT")
        placed = [each for each in await ground.posted("APARTUSDT") if each["accepted"]]

        assert len(placed) == 1
        assert placed[0]["received_exchange_ns"] < (shown["opens_at_ms"] + LATE_MS_MAX) * 1_000_000
        await ground.falls("APARTUSDT")
        await ground.sold("APARTUSDT")
        await ground.agrees()


def opening(listing: Listing, ground: Ground, in_seconds: float) -> Listing:
    """Return *listing* with an opening so many seconds from now, by the exchange's clock."""
    return listing.model_copy(update={"opens_at": ground.now() + timedelta(seconds=in_seconds)})


async def test_the_holding_time_counts_from_the_fill(ground: Ground) -> None:
    """M21: fired, not open, waits again, the opening moves, bought."""
    await ground.staffed(retry_seconds=0.5, holding_seconds_max=3)
    listing = opening(await ground.lists("HOLDUSDT", opens_in=60), ground, 0.2)
    await ground.announces(listing)
    await ground.order("HOLDUSDT", "sending")
    await ground.order("HOLDUSDT", "armed")
    await ground.exchange.change_coin("HOLDUSDT", opens_in=1)
    await ground.reschedules(listing, ground.now() + timedelta(seconds=1))
    await ground.sold("HOLDUSDT")

    [bought] = [each for each in await ground.posted("HOLDUSDT") if each["accepted"]]
    [sale] = await ground.posted("HOLDUSDT", "SELL")
    assert sale["received_at_ns"] - bought["received_at_ns"] >= 3_000_000_000


async def test_of_two_reschedulings_the_later_word_stands_in_whatever_order_they_arrive(ground: Ground) -> None:
    """D3: 13:00 is the older word, and comes last."""
    await ground.staffed(stop_loss_pct=20)
    listing = opening(await ground.lists("ORDERUSDT", opens_in=3), ground, 600)
    await ground.announces(listing)
    await ground.order("ORDERUSDT", "armed")
    now = ground.now()
    await ground.reschedules(listing, now + timedelta(seconds=3), seen_at=now)
    await ground.reschedules(listing, now + timedelta(seconds=1200), seen_at=now - timedelta(seconds=1))
    await ground.position("ORDERUSDT", "open")

    assert len([each for each in await ground.posted("ORDERUSDT") if each["accepted"]]) == 1


@pytest.mark.parametrize("late_seconds", [1.5, 20])
async def test_an_opening_that_becomes_known_late_is_bought_while_the_listing_is_fresh(
    ground: Ground, late_seconds: float
) -> None:
    """D8: the same rule as for a listing that comes late without an opening."""
    symbol = f"LATE{late_seconds:.0f}USDT"
    await ground.staffed(stop_loss_pct=20)
    listing = opening(await ground.lists(symbol), ground, 600)
    await ground.announces(listing)
    await ground.order(symbol, "armed")
    await ground.reschedules(listing, ground.now() - timedelta(seconds=late_seconds))
    await ground.position(symbol, "open")


async def test_an_opening_that_becomes_known_after_the_listing_is_stale_is_not_bought(ground: Ground) -> None:
    """D8."""
    await ground.staffed(stop_loss_pct=20)
    listing = opening(await ground.lists("STALEUSDT"), ground, 600)
    await ground.announces(listing)
    await ground.order("STALEUSDT", "armed")
    await ground.reschedules(listing, ground.now() - timedelta(seconds=70))
    ended = await ground.order("STALEUSDT", "expired")

    assert ended["error_reason"].startswith("opening_passed")
    assert await ground.posted("STALEUSDT") == []


@pytest.mark.parametrize("told", [0, -1, 10**17, 10**25])
async def test_a_time_that_cannot_be_keeps_no_stop_from_selling_after_a_restart(ground: Ground, told: int) -> None:
    await ground.staffed(stop_loss_pct=20)
    symbol = f"TIME{abs(told) % 97}USDT"
    await ground.buys(symbol)
    await ground.relieved()
    body = f'{{"serverTime":{told}}}'
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/time", status=200, body=body, count=3)
    executor = await ground.staffed(ready=False, stop_loss_pct=20)
    await ground.looked()
    await ground.falls(symbol)
    await ground.sold(symbol)

    await executor.ready()
    await ground.buys(f"AFTER{symbol}")  # Nor is what comes next from the future, or from before.
