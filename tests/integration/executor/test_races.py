"""Many who decide at once, each on a connection of its own, against one limit or about one listing."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import pytest

from executor.model.decided import Decided
from executor.model.order import Order
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Listing, Mode
from shared.postgres.database import Database
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import NOT_SENT, Executor, Time, a_coin, configure, rows
from tests.support.running.services import open_database
from tests.waiting import eventually

DECIDERS: Final = 40


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Room for each decider to have a connection of its own, all of them open and warm."""
    async with open_database(database_url, pool_size=DECIDERS + 2) as opened:
        ready = asyncio.Barrier(DECIDERS)

        async def warm() -> None:
            async with opened.connection() as connection:
                await ready.wait()
                await connection.execute("SELECT 1")

        await asyncio.gather(*(warm() for _ in range(DECIDERS)))
        yield opened


def journals(database: Database, time: Time, count: int, **settings: object) -> list[PurchaseDecisions]:
    exchange = ModelExchange(time)
    chosen = ExecutorSettings.model_validate({"orders_per_minute": 10_000} | settings)
    return [Executor(database, exchange, time, chosen).decisions for _ in range(count)]


async def decided(journal: PurchaseDecisions, listing: Listing) -> Decided:
    """Decide as a broker has it done: what was overtaken too often is delivered again."""
    while True:
        try:
            return await journal.open(listing, NOT_SENT)
        except TransientError as error:
            assert "overtaken" in str(error)  # noqa: PT017 - anything else is a failure


async def decided_at_once(deciders: Sequence[PurchaseDecisions], time: Time) -> Counter[str]:
    """Let each of *deciders* decide on a coin of its own; return how often what was decided."""
    coins = [a_coin(f"NEW{number}", time) for number in range(len(deciders))]
    found = await asyncio.gather(*(decided(*each) for each in zip(deciders, coins, strict=True)))
    return Counter(each.reason or each.outcome for each in found)


async def total(database: Database) -> tuple[Decimal, int]:
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM exposure WHERE mode = 'dry-run'")
        assert row is not None
        return row["reserved_usdt"], row["day_orders"]


async def test_forty_deciders_at_once_spend_the_position_and_not_a_cent_more(database: Database, time: Time) -> None:
    outcomes = await decided_at_once(journals(database, time, DECIDERS), time)

    assert outcomes == {"buy": 10, "max_position": 30}
    assert await total(database) == (Decimal("1000.00"), 10)
    assert Counter(row["state"] for row in await rows(database)) == {"sending": 10, "rejected": 30}


@pytest.mark.parametrize(
    ("settings", "allowed", "reason"),
    [
        ({"orders_per_minute": 7}, 7, "orders_per_minute"),
        ({"orders_per_day": 9}, 9, "orders_per_day"),
        ({"daily_spend_usdt": Decimal("399.99")}, 3, "daily_spend"),
        ({"daily_spend_usdt": Decimal("400.00")}, 4, "daily_spend"),
        ({"order_usdt": Decimal("33.33")}, 28, "max_position"),  # At its cap each may cost 35.00.
    ],
)
async def test_no_other_limit_gives_way_to_forty_at_once(
    database: Database, time: Time, settings: dict[str, object], allowed: int, reason: str
) -> None:
    outcomes = await decided_at_once(journals(database, time, DECIDERS, **settings), time)

    assert outcomes == {"buy": allowed, reason: DECIDERS - allowed}
    assert (await total(database))[1] == allowed


async def test_a_listing_that_fifty_decide_on_at_once_is_one_order(database: Database, time: Time) -> None:
    listing = a_coin("NEW", time)

    found = await asyncio.gather(*(decided(journal, listing) for journal in journals(database, time, 50)))

    assert Counter(each.outcome for each in found) == {"buy": 1, "repeated": 49}
    assert [each.order is not None for each in found].count(True) == 1
    assert len(await rows(database)) == 1
    assert await total(database) == (Decimal("100.00"), 1)


async def test_an_armed_order_that_twenty_fire_at_once_is_sent_by_one(database: Database, time: Time) -> None:
    deciders = journals(database, time, 20)
    opens_at = datetime.fromtimestamp(time().timestamp() + 60, time().tzinfo)
    armed = (await deciders[0].open(a_coin("NEW", time, opens_at=opens_at), NOT_SENT)).order
    assert armed is not None
    time.jump_to(opens_at)

    found = await asyncio.gather(*(journal.fire(armed) for journal in deciders))

    assert Counter(each.outcome for each in found) == {"buy": 1, "repeated": 19}
    assert await total(database) == (Decimal("100.00"), 1)


async def test_of_one_coin_against_two_assets_one_is_bought(database: Database, time: Time) -> None:
    deciders = journals(database, time, DECIDERS, quote_assets="USDT,USDC,USD1")
    quotes = itertools.cycle(("USDT", "USDC", "USD1"))
    listings = [
        a_coin("NEW", time, symbol=f"NEW{quote}", quote_asset=quote, key=f"NEW{quote}:{number}")
        for number, quote in zip(range(DECIDERS), quotes, strict=False)
    ]

    found = await asyncio.gather(*(decided(*each) for each in zip(deciders, listings, strict=True)))

    assert Counter(each.reason or each.outcome for each in found) == {"buy": 1, "base_asset_held": DECIDERS - 1}


@pytest.mark.parametrize("change", ["max_position_usdt = 20", "halted = true", "auto_trade = false"])
async def test_nothing_is_reserved_any_more_once_a_change_that_forbids_it_is_committed(
    database: Database, time: Time, change: str
) -> None:
    """Linearizable: what the change finds reserved, holding the config, is all there will ever be."""
    await configure(database, "auto_trade = true, max_position_usdt = 100000, max_trade_usdt = 10")
    deciders = journals(database, time, DECIDERS)
    sent: list[Order] = []
    found: list[Decimal] = []

    async def decide(number: int) -> None:
        for count in range(6):
            order = (await decided(deciders[number], a_coin(f"NEW{number}X{count}", time))).order
            if order is not None and order.mode is Mode.LIVE:
                sent.append(order)

    async def forbid() -> None:
        await eventually(lambda: len(sent) >= DECIDERS)
        async with database.transaction() as connection:
            await connection.execute(f"UPDATE trade_config SET {change}, updated_at = now()")
            found.append(await connection.fetchval("SELECT reserved_usdt FROM exposure WHERE mode = 'live'"))

    await asyncio.gather(forbid(), *(decide(number) for number in range(DECIDERS)))

    assert DECIDERS <= len(sent) < DECIDERS * 6
    assert found == [10 * len(sent)]
