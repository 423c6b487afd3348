"""A configuration that changes in the middle, is refused, or is lost, and a database that is older: rows 37 to 39."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

import pytest
import pytest_asyncio

from api.operator import trade_config
from api.operator.operator_changes import RefusedChangeError
from shared.events import Mode
from tests.faults.ground import Ground
from tests.support.running.compositions import normal_way_only
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

POSITION = "SELECT * FROM positions WHERE listing_key = $1"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def restored(ground: Ground) -> AsyncIterator[None]:
    """Leave the configuration as it was found."""
    yield
    database = ground.runtime.database
    room = {"max_trade_usdt": "100", "max_position_usdt": "1000000", "auto_trade": "true"}
    await trade_config.change(database, room, changed_by="test", confirmation="live")
    await trade_config.resume(database, changed_by="test")


async def change(ground: Ground, **changes: object) -> None:
    await trade_config.change(ground.runtime.database, changes, changed_by="test")


@normal_way_only("the normal way decides on it meanwhile")
async def test_auto_trade_that_is_switched_off_while_an_order_is_decided_keeps_it_from_being_live(
    ground: Ground,
) -> None:
    listing = await ground.lists()
    async with ground.executor("before reservation_sql.RESERVE") as executor:
        await ground.publish(listing)
        await executor.reaches("before reservation_sql.RESERVE")
        await change(ground, auto_trade="false")
        executor.go_on()
        await eventually(lambda: ground.order(listing, Mode.DRY_RUN))
        await ground.settled()

    assert await ground.order(listing, Mode.LIVE) is None
    assert await ground.posted(listing) == []


@pytest.mark.parametrize(("limits", "spent"), [({"max_trade_usdt": "7"}, 7), ({"max_position_usdt": "100"}, None)])
async def test_a_limit_that_is_lowered_while_an_order_is_decided_holds_for_it(
    ground: Ground, limits: Mapping[str, str], spent: int | None
) -> None:
    await ground.execute("UPDATE exposure SET filled_usdt = filled_usdt + 100, ceiling_usdt = 1e9 WHERE mode = 'live'")
    listing = await ground.lists()
    async with ground.executor("before reservation_sql.RESERVE") as executor:
        await ground.publish(listing)
        await executor.reaches("before reservation_sql.RESERVE")
        await change(ground, **limits)
        executor.go_on()
        order = await ground.becomes(listing, "filled", "rejected")
        await ground.execute("UPDATE exposure SET filled_usdt = filled_usdt - 100 WHERE mode = 'live'")
        await change(ground, max_position_usdt="1000000")
        await ground.settled()

    assert order["quote_qty"] == (spent or 0)
    assert order["error_reason"] == (None if spent else "max_position")


async def test_a_halt_that_comes_between_the_decision_and_the_request_keeps_it_from_being_sent(ground: Ground) -> None:
    listing = await ground.lists()
    async with ground.executor("after reservation_sql.RESERVE", retry_seconds=60) as executor:
        await ground.publish(listing)
        await executor.reaches("after reservation_sql.RESERVE")
        await trade_config.halt(ground.runtime.database, "drill", changed_by="test")
        await ground.halts_are_read()
        executor.go_on()
        order = await ground.becomes(listing, "rejected")
        await ground.settled()

    assert order["error_reason"] == "halted: operator: drill"
    assert await ground.posted(listing) == []


REFUSED = (
    *({"max_trade_usdt": value} for value in ("NaN", "-1", "0", "Infinity", "1e30", "0.001", "many", "", None)),
    *({"max_position_usdt": value} for value in ("NaN", "-1", "1")),
    {"auto_trade": "perhaps"},
    {"halted_for_good": "true"},
)


@pytest.mark.parametrize("changes", REFUSED, ids=str)
async def test_a_change_that_makes_no_sense_is_refused_and_the_last_good_configuration_holds(
    ground: Ground, changes: Mapping[str, object]
) -> None:
    before = await trade_config.read(ground.runtime.database)
    with pytest.raises(RefusedChangeError):
        await change(ground, **changes)

    assert await trade_config.read(ground.runtime.database) == before


async def test_of_changes_that_come_at_once_each_is_made_on_the_one_before(ground: Ground) -> None:
    [before] = await ground.rows("SELECT coalesce(max(id), 0) AS last FROM trade_config_audit")
    amounts = [str(amount) for amount in range(30, 50)]
    await asyncio.gather(*(change(ground, max_trade_usdt=amount) for amount in amounts))

    query = "SELECT before, after FROM trade_config_audit WHERE id > $1 ORDER BY id"
    audit = await ground.rows(query, before["last"])
    assert sorted(row["after"]["max_trade_usdt"] for row in audit) == amounts
    for earlier, later in itertools.pairwise(audit):
        assert Decimal(later["before"]["max_trade_usdt"]) == Decimal(earlier["after"]["max_trade_usdt"])


async def test_without_a_configuration_nothing_is_bought_and_with_a_new_one_it_is(ground: Ground) -> None:
    await ground.staffed()
    await ground.execute("CREATE TABLE kept AS SELECT * FROM trade_config")
    await ground.execute("DELETE FROM trade_config")
    listing = await ground.lists()
    await ground.publish(listing)
    order = await eventually(lambda: ground.order(listing, Mode.DRY_RUN))
    await ground.execute("INSERT INTO trade_config SELECT * FROM kept")
    await ground.execute("DROP TABLE kept")
    await eventually(lambda: _bought(ground), within_seconds=20)
    await ground.settled()

    assert order is not None
    assert (order["state"], order["error_reason"]) == ("rejected", "config_missing")
    assert await ground.posted(listing) == []


async def test_a_coin_that_no_position_explains_halts_live_trading_at_the_start_until_an_operator_resumes(
    ground: Ground,
) -> None:
    await ground.simulator.fund(STRANGER="5")
    async with ground.executor():
        refused = await ground.lists()
        await ground.publish(refused)
        order = await ground.becomes(refused, "rejected")
        await ground.simulator.fund(STRANGER="0")
        await trade_config.resume(ground.runtime.database, changed_by="test")
        await eventually(lambda: _bought(ground), within_seconds=20)
        await ground.settled()

    assert order["error_reason"] == "halted: holdings: the account holds what no position explains: STRANGER"
    assert await ground.posted(refused) == []


async def test_a_database_from_before_the_last_purchase_halts_at_the_start_and_buys_it_no_second_time(
    ground: Ground,
) -> None:
    async with ground.executor():
        listing = await ground.lists()
        await ground.publish(listing)
        await ground.becomes(listing, "filled")
        await ground.settled()
    [position] = await ground.rows(POSITION, listing.key)
    await ground.execute("DELETE FROM orders WHERE listing_key = $1", listing.key)
    await ground.execute("DELETE FROM positions WHERE listing_key = $1", listing.key)
    await ground.execute(
        "UPDATE exposure SET filled_usdt = filled_usdt - $1 WHERE mode = 'live'", position["cost_usdt"]
    )

    async with ground.executor():
        await ground.publish(listing)
        order = await ground.becomes(listing, "rejected")

    assert order["error_reason"].startswith("halted: holdings: ")
    assert len(await ground.posted(listing)) == 1
    await ground.simulator.fund(**{listing.base_asset: "0"})


async def _bought(ground: Ground) -> bool:
    listing = await ground.lists()
    await ground.publish(listing)
    order = await ground.order(listing) or await ground.order(listing, Mode.DRY_RUN)
    while order is None or order["state"] not in {"filled", "rejected"}:
        await asyncio.sleep(0.02)
        order = await ground.order(listing) or await ground.order(listing, Mode.DRY_RUN)
    return bool(order["state"] == "filled")
