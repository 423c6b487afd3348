"""A burst of paper purchases beside many positions."""

import asyncio
from collections.abc import Mapping
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from executor.rate_limits.limiter_metrics import WAIT_SECONDS
from executor.rate_limits.rate_budget import SECOND
from executor.rate_limits.sliding_window import MARGIN_SECONDS
from executor.settings import ExecutorSettings
from tests.hostile.ground import PRODUCTION, QUICK, Ground
from tests.support.running.compositions import normal_way_only
from tests.support.running.processes import Sniper
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

WINDOW: Final = SECOND + MARGIN_SECONDS
TRADE: Final = "UPDATE trade_config SET auto_trade = $1"
WAITS: Final = "sniper_executor_rate_wait_seconds_bucket"
BURST: Final = 6
BOOKS_PER_SECOND: Final = ExecutorSettings().requests_per_second // 3
"""The purchases' share of the requests, whatever positions take."""
WAIT_SECONDS_MAX: Final = next(bound for bound in WAIT_SECONDS if bound >= (BURST / BOOKS_PER_SECOND - 1) * WINDOW)
"""Of the bounds that the executor counts its waits by."""
ASKED_NOTHING: Final = "SELECT FROM orders HAVING max(updated_at) < clock_timestamp() - interval '11 seconds'"
"""Of purchases nothing counts against the rate limits any more."""
WIDER: Final = ("orders_per_minute", "listings_per_minute_max", "daily_spend_usdt")


@normal_way_only("what a ticker shows has no rules, and asking for those of six at once takes its time")
async def test_a_burst_of_purchases_on_paper_waits_for_no_looks_at_seven_positions(strict_ground: Ground) -> None:
    """By the executor's own count of its waits for the rate limits."""
    ground = strict_ground
    await ground.execute(TRADE, False)
    await ground.allows(trade_usdt=10, position_usdt=1000)
    running = await ground.staffed(**{**PRODUCTION, **{name: QUICK[name] for name in WIDER}}, stop_loss_pct=20)
    await asyncio.gather(*(ground.buys(f"HELD{number}USDT") for number in range(7)))
    await eventually(lambda: ground.rows(ASKED_NOTHING), within_seconds=20, every_seconds=0.1)
    before = await purchases_waits(running)
    burst = [await ground.lists(f"BURST{number}USDT") for number in range(BURST)]
    await asyncio.gather(*(ground.announces(each) for each in burst))
    for each in burst:
        await ground.position(each.symbol, "open", within_seconds=25)
    after = await purchases_waits(running)
    waits = {bound: count - before.get(bound, 0) for bound, count in after.items()}

    assert waits.get("+Inf") == waits.get(str(WAIT_SECONDS_MAX)), waits


async def purchases_waits(running: Sniper) -> Mapping[str, float]:
    """Return how many requests of purchases waited no longer than each bound."""
    families = text_string_to_metric_families((await running.get("/metrics")).text)
    samples = [each for family in families for each in family.samples if each.name == WAITS]
    return {each.labels["le"]: each.value for each in samples if each.labels["priority"] == "purchase"}
