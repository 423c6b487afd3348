"""Listings that come late, early, old, or under any name: from the exchange through every process to the order."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from shared.events import utc_now
from shared.wire.topology import DEAD_LETTERS, EXECUTOR_OPENINGS
from tests.hostile.ground import COIN, QUICK, Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.compositions import CHOSEN, Composition, normal_way_only
from tests.support.running.processes import Cluster
from tests.support.running.services import emptying
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

FRESH_SECONDS: Final = 8
EXCHANGE_INFO: Final = "GET /api/v3/exchangeInfo"
BEFORE: Final = ("dedup",) if CHOSEN is Composition.EXPRESS else ("ingest", "dedup")
"""Ahead of what sends orders."""
SETTINGS: Final[Mapping[str, str]] = {
    **{f"SNIPER_EXECUTOR_{name.upper()}": str(value) for name, value in QUICK.items()},
    "SNIPER_EXECUTOR_RETRY_SECONDS": "1",
    "SNIPER_EXECUTOR_LISTING_AGE_SECONDS": str(FRESH_SECONDS),
    "SNIPER_INGEST_EXCHANGE_INFO_SECONDS": "2",
    "SNIPER_INGEST_EXCHANGE_INFO_OPENING_SECONDS": "2",
}


@asynccontextmanager
async def pipeline(ground: Ground, *services: str) -> AsyncIterator[Cluster]:
    """Run *services*, each a process of its own, ready."""
    async with AsyncExitStack() as stack:
        running = Cluster(stack, {**ground.environment, **SETTINGS}, ground.directory)
        for name in services:
            await running.start(name)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(module_ground: Ground) -> AsyncIterator[Cluster]:
    await module_ground.allows(trade_usdt=100, position_usdt=1000)
    async with pipeline(module_ground, *BEFORE, CHOSEN.command) as running:
        yield running


@pytest.fixture
def market(module_ground: Ground, services: Cluster) -> Ground:
    """The ground with every process up, whatever the test before did."""
    assert all(services[name].process.returncode is None for name in BEFORE)
    return module_ground


async def test_a_symbol_that_opens_late_without_a_word_is_bought_at_its_first_sign_of_trading(market: Ground) -> None:
    """D1: later than it may be old by the opening that was announced."""
    await market.exchange.list_coin("QUIETUSDT", price="1", opens_in=3, opens_late_by=13)
    await market.position("QUIETUSDT", "open", within_seconds=40)

    assert len([each for each in await market.posted("QUIETUSDT") if each["accepted"]]) == 1


async def test_a_symbol_that_appears_closed_after_its_opening_is_bought_at_its_first_sign_of_trading(
    market: Ground,
) -> None:
    """D1: refused at first, as too old by the opening that was stated."""
    stated = int((utc_now() - timedelta(seconds=20)).timestamp() * 1000)
    await market.exchange.list_coin("TARDYUSDT", **COIN, first_open_time_ms=stated, opens_late_by=25)
    refused = await market.order("TARDYUSDT", "rejected", within_seconds=20)
    await market.position("TARDYUSDT", "open", within_seconds=60)

    assert refused["error_reason"].startswith("stale_listing")
    assert len(await market.posted("TARDYUSDT")) == 1


async def test_a_symbol_whose_opening_was_two_years_ago_is_late_and_not_bought(market: Ground) -> None:
    """D4: exchangeInfo shows it, and it does not tick before that is read."""
    opened = int((utc_now() - timedelta(days=730)).timestamp() * 1000)
    await market.exchange.list_coin("OLDUSDT", **COIN, first_open_time_ms=opened, opens_late_by=30)
    refused = await market.order("OLDUSDT", "rejected", within_seconds=30)

    assert refused["error_reason"].startswith("stale_listing")
    assert await market.posted("OLDUSDT") == []


@pytest.mark.parametrize("symbol", ["新币上市USDT", "ДОГЕUSDT"])
async def test_a_coin_whose_name_is_not_ascii_is_bought(market: Ground, symbol: str) -> None:
    """D6: listed, announced, signed, looked up and held."""
    await market.exchange.list_coin(symbol, **COIN)
    await market.position(symbol, "open", within_seconds=30)


@normal_way_only("on the express way ingest is down with it, and there is no news to lose")
async def test_an_executor_that_was_down_while_an_opening_was_brought_forward_follows_it_or_lets_it_pass(
    market: Ground, services: Cluster
) -> None:
    """D2: and even the news itself is lost; dedup's ledger has it."""
    for symbol in ("PASTUSDT", "AHEADUSDT"):
        await market.exchange.list_coin(symbol, **COIN, opens_in=600)
        await market.order(symbol, "armed", within_seconds=30)
    await services["executor"].kill()
    async with emptying(market.runtime.bus, EXECUTOR_OPENINGS) as lost:
        await market.exchange.change_coin("PASTUSDT", opens_in=0.5)
        await market.exchange.change_coin("AHEADUSDT", opens_in=120)
        await lost.holds(2)
    await eventually(lambda: is_stale(market, "PASTUSDT"), within_seconds=30, every_seconds=0.1)
    await services.start("executor")
    passed = await market.order("PASTUSDT", "expired")
    await eventually(lambda: is_followed(market, "AHEADUSDT"), within_seconds=30, every_seconds=0.1)
    await market.exchange.change_coin("AHEADUSDT", opens_in=2)
    await market.position("AHEADUSDT", "open", within_seconds=30)

    assert passed["error_reason"].startswith("opening_passed")
    assert await market.posted("PASTUSDT") == []


async def is_stale(ground: Ground, symbol: str) -> bool:
    coin: Mapping[str, Any] = await ground.exchange.coin(symbol)
    return bool(utc_now().timestamp() > coin["opens_at_ms"] / 1000 + FRESH_SECONDS)


async def is_followed(ground: Ground, symbol: str) -> bool:
    coin: Mapping[str, Any] = await ground.exchange.coin(symbol)
    order = await ground.order(symbol, "armed")
    return bool(order["fire_at"] == datetime.fromtimestamp(coin["opens_at_ms"] / 1000, UTC))


async def has_read(ground: Ground, count: int) -> bool:
    return (await ground.exchange.requests()).get(EXCHANGE_INFO, 0) >= count


@pytest.mark.parametrize("ahead_seconds", [-3, 3, 90])
async def test_clocks_that_are_apart_cost_no_listing(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path, ahead_seconds: float
) -> None:
    """D5: ingest stamps by the exchange's time, dedup compares with its own."""
    async with (
        a_ground(postgres_server, rabbitmq_server, tmp_path, clock_ahead_seconds=ahead_seconds) as ground,
        emptying(ground.runtime.bus, DEAD_LETTERS) as dead,
        pipeline(ground, *BEFORE, CHOSEN.command),
    ):
        read = (await ground.exchange.requests()).get(EXCHANGE_INFO, 0)
        # As it learns the exchange's time, ingest's own leaps: it watches again from the next list on.
        await eventually(lambda: has_read(ground, read + 2), within_seconds=30, every_seconds=0.1)
        await ground.exchange.list_coin("SKEWUSDT", **COIN)
        await ground.position("SKEWUSDT", "open", within_seconds=30)

        assert dead.messages == []
