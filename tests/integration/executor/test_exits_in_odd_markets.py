"""Books that lie for a moment, spreads that were there from the first, and symbols that do not trade."""

import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.events import HealthStatus
from tests.support.data.rows import WRITTEN_OFF_BESIDE
from tests.support.running.desks import SECONDS, Desk, statuses
from tests.support.running.desks import desk as any_desk
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

desk = partial(any_desk, exit_streams=False)
"""Looks by REST are counted."""
NOTHING = (Decimal("0.00"), Decimal("0.00"))
SLOWLY: dict[str, Any] = {"exit_check_seconds": 0.6, "stop_confirm_seconds": 0.6}
"""So that a test can let a book be odd for exactly one look."""
HOLE = [["0.001", "1000000"]]
ACCOUNT = "GET /api/v3/account"


async def books_read(simulator: Simulator) -> int:
    return (await simulator.requests()).get("GET /api/v3/depth", 0)


async def is_sold(simulator: Simulator) -> bool:
    return any(each["side"] == "SELL" and each["fills"] for each in await simulator.orders())


async def looks(simulator: Simulator, count: int) -> None:
    """Return once *count* looks were taken from now on."""
    before = await books_read(simulator)

    async def taken() -> bool:
        # What is sold is looked at no more.
        return await books_read(simulator) >= before + count or await is_sold(simulator)

    await eventually(taken, within_seconds=SECONDS)


async def odd_for_one_look(simulator: Simulator, symbol: str, bids: list[list[str]]) -> None:
    await looks(simulator, 1)
    await simulator.change_coin(symbol, bids=bids)
    await looks(simulator, 1)
    await simulator.change_coin(symbol, bids=None)
    await looks(simulator, 3)


async def referred(opened: Desk, symbol: str) -> bool:
    [position] = await opened.positions(symbol)
    return position["stop_reference"] is not None


@pytest.mark.parametrize(
    "settings",
    [{"stop_loss_pct": 20}, {"trailing_stop_pct": 30}, {"holding_seconds_max": 2}],
    ids=["stop loss", "trailing stop", "holding time"],
)
async def test_a_hole_in_the_book_for_one_look_sells_nothing_and_gives_nothing_up(
    database_url: str, simulator: Simulator, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """M1 and M3."""
    async with desk(database_url, simulator, tmp_path, **SLOWLY, **settings) as opened:
        bought = await opened.buy("HOLEUSDT")
        await odd_for_one_look(simulator, "HOLEUSDT", HOLE)
        [position] = await opened.positions("HOLEUSDT")
        sold_for = [each["cost"] for each in await opened.sales("HOLEUSDT") if each["cost"]]

        assert all(each > bought["cost_usdt"] / 2 for each in sold_for)
        if "holding_seconds_max" not in settings:
            assert (position["state"], sold_for) == ("open", [])
            assert await opened.exposure() == (Decimal("0.00"), bought["cost_usdt"])


async def test_a_position_that_a_hole_made_look_small_keeps_its_exposure_and_the_limit_holds(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M1."""
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=20, dust_seconds=0) as opened:
        bought = await opened.buy("SMALLUSDT")
        await simulator.change_coin("SMALLUSDT", bids=HOLE)
        await looks(simulator, 12)
        [meanwhile] = await opened.positions("SMALLUSDT")
        exposure = await opened.exposure()

        assert meanwhile["state"] != "dust"
        assert exposure == (Decimal("0.00"), bought["cost_usdt"]) or meanwhile["state"] == "closed"


async def test_dust_is_open_again_and_sold_once_it_is_worth_selling(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M1: never final."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "dust_seconds": 0.2, "rare_check_seconds": 0.2}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("BACKUSDT")
        await simulator.change_coin("BACKUSDT", price="0.85", bids=[["0.85", "95"]])
        await eventually(lambda: part_sold(opened, "BACKUSDT"), within_seconds=SECONDS)
        await simulator.change_coin("BACKUSDT", bids=None)
        dust = await opened.position_in("BACKUSDT", "dust")
        at_stake = await opened.exposure()
        await simulator.change_coin("BACKUSDT", price="100")
        await opened.position_in("BACKUSDT", "closed")

        assert 0 < dust["base_qty"] < 1
        assert at_stake == (Decimal("0.00"), dust["cost_usdt"])
        assert len([each for each in await opened.sales("BACKUSDT") if each["executed_qty"]]) == 2
        assert await opened.exposure() == NOTHING


async def test_a_high_bid_for_one_coin_takes_no_profit(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """M2."""
    async with desk(database_url, simulator, tmp_path, take_profit_pct=50) as opened:
        bought = await opened.buy("CRUMBUSDT")
        await simulator.change_coin("CRUMBUSDT", bids=[["2.0", "1"], ["0.5", "100000"]], asks=[["2.1", "100000"]])
        await looks(simulator, 6)

        assert await opened.sales("CRUMBUSDT") == []
        assert (await opened.positions("CRUMBUSDT"))[0]["base_qty"] == bought["base_qty"]


async def test_what_a_take_profit_leaves_is_not_sold_below_its_floor(database_url: str, tmp_path: Path) -> None:
    """M2: 60 coins at 2.0 make the whole worth the trigger; the rest is kept, not given away at 0.9."""
    async with (
        simulator_in_this_process(price_protection=0) as simulator,
        desk(database_url, simulator, tmp_path, take_profit_pct=50) as opened,
    ):
        bought = await opened.buy("RESTUSDT")
        await simulator.change_coin("RESTUSDT", price="2", bids=[["2.0", "60"], ["0.9", "100000"]])
        await eventually(lambda: part_sold(opened, "RESTUSDT"), within_seconds=SECONDS)
        await looks(simulator, 6)
        sales = await opened.sales("RESTUSDT")
        [sent] = await opened.sent_sales("RESTUSDT")
        floor = Decimal("1.5") * Decimal("0.95")

        assert statuses(sales) == [(1, "partially_filled", "take_profit")]
        assert sales[0]["executed_qty"] == 60
        assert Decimal(sent["parameters"]["price"]) >= sales[0]["price_min"] >= bought["average_price"] * floor
        # Bids for the rest: at the floor it is sold.
        await simulator.change_coin("RESTUSDT", bids=[["1.45", "100000"]])
        await opened.position_in("RESTUSDT", "closed")
        assert statuses(await opened.sales("RESTUSDT"))[-1] == (2, "filled", "remainder")


async def part_sold(opened: Desk, symbol: str) -> bool:
    return bool([each for each in await opened.sales(symbol) if each["executed_qty"]])


async def test_a_bid_for_a_fifth_of_a_coin_raises_no_peak(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M3."""
    async with desk(database_url, simulator, tmp_path, trailing_stop_pct=30) as opened:
        await opened.buy("PEAKUSDT")
        await simulator.change_coin("PEAKUSDT", bids=[["2.0", "0.2"], ["0.99", "100000"]], asks=[["2.1", "100000"]])
        await looks(simulator, 6)
        await simulator.change_coin("PEAKUSDT", bids=None, asks=None)
        await looks(simulator, 6)
        [position] = await opened.positions("PEAKUSDT")

        assert position["peak_price"] < Decimal("1.01")
        assert await opened.sales("PEAKUSDT") == []


@pytest.mark.parametrize("rule", ["stop_loss_pct", "trailing_stop_pct"])
async def test_a_spread_that_was_there_from_the_first_is_no_loss(database_url: str, tmp_path: Path, rule: str) -> None:
    """M4."""
    stop: dict[str, Any] = {rule: 10}
    async with (
        simulator_in_this_process(price_protection=0) as simulator,
        desk(database_url, simulator, tmp_path, **stop) as opened,
    ):
        asks, bids = [["1.00", "10000"]], [["0.85", "10000"]]
        await opened.buy("WIDEUSDT", asks=asks, bids=bids)
        await eventually(lambda: referred(opened, "WIDEUSDT"), within_seconds=SECONDS)
        await looks(simulator, 6)
        [kept] = await opened.positions("WIDEUSDT")
        assert await opened.sales("WIDEUSDT") == []
        await simulator.change_coin("WIDEUSDT", bids=[["0.76", "10000"]])
        await opened.position_in("WIDEUSDT", "closed")

        assert Decimal("0.84") < kept["stop_reference"] < Decimal("0.86")


async def test_a_price_that_fell_right_after_the_purchase_is_a_loss(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M4's other half: bid and ask have fallen together before any look."""
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, exit_check_seconds=1.0) as opened:
        await opened.buy("FELLUSDT")
        await opened.move("FELLUSDT", "0.85")
        closed = await opened.position_in("FELLUSDT", "closed")

        assert closed["stop_reference"] > Decimal("0.95")


async def test_a_stop_is_on_the_wire_within_two_seconds(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, exit_check_seconds=1.0) as opened:
        await opened.buy("WIREUSDT")
        await eventually(lambda: referred(opened, "WIREUSDT"), within_seconds=SECONDS)
        fell_at = time.time()
        await opened.move("WIREUSDT", "0.85")
        await opened.position_in("WIREUSDT", "closed")
        [sent] = await opened.sent_sales("WIREUSDT")

        assert sent["received_at_ns"] / 1e9 - fell_at < 2


async def test_a_stop_that_is_refused_six_times_is_tried_again_at_once_each_time(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M11: 65 seconds before."""
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, exit_check_seconds=1.0) as opened:
        await opened.buy("SIXUSDT")
        await simulator.arm("api_error", code=30005, message="Oversold", count=6)
        await opened.move("SIXUSDT", "0.85")
        await opened.position_in("SIXUSDT", "closed")
        sent = await opened.sent_sales("SIXUSDT")

        assert len(sent) == 7
        assert (sent[-1]["received_at_ns"] - sent[0]["received_at_ns"]) / 1e9 < 15


@pytest.mark.parametrize("fault", ["http_status", "hang_before_accept"])
async def test_a_stop_does_not_wait_for_a_balance(
    database_url: str, simulator: Simulator, tmp_path: Path, fault: str
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("BLINDUSDT")
        await simulator.arm(fault, endpoint="GET /api/v3/account", count=1000)
        await opened.move("BLINDUSDT", "0.85")
        await opened.position_in("BLINDUSDT", "closed")

        assert statuses(await opened.sales("BLINDUSDT")) == [(1, "filled", "stop_loss")]


async def test_one_book_that_does_not_come_holds_up_no_stop_of_another(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("HUNGUSDT")
        await opened.buy("QUICKUSDT")
        await simulator.arm("hang_before_accept", endpoint="GET /api/v3/depth", count=1)
        await opened.move("QUICKUSDT", "0.85")
        await opened.position_in("QUICKUSDT", "closed")


async def test_a_suspended_symbol_is_told_once_and_sold_when_it_trades_again(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M25."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "suspended_check_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("HALTEDUSDT")
        await simulator.change_coin("HALTEDUSDT", status="suspended", price="0.85")
        await opened.exits_say(HealthStatus.DEGRADED, "HALTEDUSDT:1 live is to be sold, and its symbol does not trade")
        await looks(simulator, 20)
        meanwhile, sent = await opened.sales("HALTEDUSDT"), await opened.sent_sales("HALTEDUSDT")
        await simulator.change_coin("HALTEDUSDT", status="trading")
        await opened.position_in("HALTEDUSDT", "closed")

        assert [(each["state"], each["error_reason"][:8]) for each in meanwhile] == [("expired", "not_open")]
        assert len(sent) == 1
        assert statuses(await opened.sales("HALTEDUSDT"))[-1] == (2, "filled", "stop_loss")
        await opened.exits_say(HealthStatus.RUNNING)


async def test_a_stop_with_nobody_to_sell_to_is_told_and_sold_to_the_first_bid(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M27."""
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("EMPTYUSDT")
        await simulator.change_coin("EMPTYUSDT", price="0.85", bids=[])
        await opened.exits_say(HealthStatus.DEGRADED, "no bids for EMPTYUSDT:1 live")
        await simulator.change_coin("EMPTYUSDT", bids=[["0.8", "100000"]])
        await opened.position_in("EMPTYUSDT", "closed")

        assert statuses(await opened.sales("EMPTYUSDT")) == [(1, "filled", "stop_loss")]
        await opened.exits_say(HealthStatus.RUNNING)


async def test_coins_sold_by_hand_are_told_and_count_until_a_person_writes_them_off(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M16: all of them."""
    quick: dict[str, Any] = {"custody_check_seconds": 0.1, "missing_seconds": 0.3, "stop_loss_pct": 10}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("HANDSUSDT")
        await simulator.fund(HANDS="0")
        gone = await opened.position_in("HANDSUSDT", "external")
        await opened.exits_say(HealthStatus.DEGRADED, "HANDSUSDT:1 live is external: the account holds 0 of")
        before = await opened.exposure()
        await opened.execute(
            "INSERT INTO write_offs (listing_key, mode, requested_by, reason) VALUES ($1, 'live', 'test', 'mine')",
            "HANDSUSDT:1",
        )
        lost = await opened.position_in("HANDSUSDT", "written_off")

        assert (gone["cost_usdt"], before) == (bought["cost_usdt"], (Decimal("0.00"), bought["cost_usdt"]))
        assert (lost["cost_usdt"], await opened.exposure()) == (0, NOTHING)
        await opened.exits_say(HealthStatus.RUNNING)


async def test_coins_sold_by_hand_while_their_symbol_was_suspended_stay_external_whatever_their_price(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M16, M25."""
    quick: dict[str, Any] = {"custody_check_seconds": 0.1, "missing_seconds": 0.3, "suspended_check_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, **quick) as opened:
        await opened.buy("APPUSDT")
        await simulator.change_coin("APPUSDT", status="suspended", price="0.85")
        await opened.exits_say(HealthStatus.DEGRADED, "its symbol does not trade")
        await simulator.fund(APP="0")
        await simulator.change_coin("APPUSDT", status="trading")
        await opened.position_in("APPUSDT", "external")
        seen, compared = set(), (await simulator.requests())[ACCOUNT]

        async def is_compared_often() -> bool:
            [position] = await opened.positions("APPUSDT")
            seen.add(position["state"])
            return (await simulator.requests())[ACCOUNT] >= compared + 20

        await eventually(is_compared_often)

        assert seen == {"external"}


async def test_coins_that_come_back_are_watched_again(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """M16."""
    quick: dict[str, Any] = {"custody_check_seconds": 0.1, "missing_seconds": 0.3}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("LOANUSDT")
        await simulator.fund(LOAN="0.01")
        await opened.position_in("LOANUSDT", "external")
        await simulator.fund(LOAN=f"{bought['base_qty']:f}")
        await opened.position_in("LOANUSDT", "open")
        await opened.exits_say(HealthStatus.RUNNING)


async def test_what_is_left_of_coins_sold_by_hand_stays_watched(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M16: half of them."""
    quick: dict[str, Any] = {"custody_check_seconds": 0.1, "missing_seconds": 0.3, "stop_loss_pct": 10}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("PARTUSDT")
        await simulator.fund(PART="40")
        await opened.exits_say(HealthStatus.DEGRADED, "PARTUSDT:1 live is open: the account holds 40 of")
        await opened.move("PARTUSDT", "0.85")
        await opened.position_in("PARTUSDT", "external")
        [sale] = await opened.sales("PARTUSDT")

        assert (sale["state"], sale["executed_qty"]) == ("filled", 40)


async def test_a_coin_that_is_delisted_is_marked_and_counts(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M16."""
    async with desk(database_url, simulator, tmp_path, delisted_seconds=0.5, stop_loss_pct=10) as opened:
        bought = await opened.buy("DEADUSDT")
        await simulator.delist_coin("DEADUSDT")
        await opened.position_in("DEADUSDT", "unsellable")
        await opened.exits_say(HealthStatus.DEGRADED, "DEADUSDT:1 live is unsellable")

        assert await opened.exposure() == (Decimal("0.00"), bought["cost_usdt"])


async def test_a_sale_that_cannot_be_confirmed_does_not_keep_a_stop_from_working(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M7: acknowledged, and then not to be found; the coins are still there, so they are sold."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "unconfirmed_sale_seconds": 1, "exchange_timeout_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("DOUBTUSDT")
        # The request is never seen, and nothing that is asked about it is answered.
        await simulator.arm("hang_before_accept")
        await refuse_every_look_up(simulator)
        await opened.move("DOUBTUSDT", "0.85")
        await eventually(lambda: sold_after(opened, "DOUBTUSDT"), within_seconds=SECONDS)
        await simulator.disarm()
        closed = await opened.position_in("DOUBTUSDT", "closed")
        await eventually(lambda: settled(opened, "DOUBTUSDT"), within_seconds=SECONDS)

        sold = [each for each in await opened.sales("DOUBTUSDT") if each["executed_qty"]]
        assert [each["executed_qty"] for each in sold] == [bought["base_qty"]]
        assert closed["base_qty"] == 0
        assert (await opened.positions("DOUBTUSDT"))[0]["state"] == "closed"
        assert await opened.exposure() == NOTHING


async def test_a_sale_that_failed_beside_one_in_doubt_is_tried_again(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M7: the last sale has ended, an older one is still in doubt; the stop goes on working."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "unconfirmed_sale_seconds": 1, "exchange_timeout_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("TWICEUSDT")
        await simulator.arm("hang_before_accept", side="SELL")
        await refuse_every_look_up(simulator)
        await opened.move("TWICEUSDT", "0.85")
        await eventually(lambda: in_doubt(opened, "TWICEUSDT"), within_seconds=SECONDS)
        await simulator.arm("api_error", side="SELL", code=30005, count=2)
        await eventually(lambda: sold_after(opened, "TWICEUSDT"), within_seconds=SECONDS)
        [first, *failed, _] = await opened.sales("TWICEUSDT")
        await simulator.disarm()
        await opened.position_in("TWICEUSDT", "closed")

        assert (first["state"], {each["state"] for each in failed}) == ("unknown", {"rejected"})
        sold = [each["executed_qty"] for each in await opened.sales("TWICEUSDT") if each["executed_qty"]]
        assert sold == [bought["base_qty"]]


async def in_doubt(opened: Desk, symbol: str) -> bool:
    return [each["state"] for each in await opened.sales(symbol)] == ["unknown"]


async def refuse_every_look_up(simulator: Simulator) -> None:
    for path in ("order", "openOrders", "allOrders", "myTrades"):
        await simulator.arm("http_status", endpoint=f"GET /api/v3/{path}", status=503, count=100_000)


async def sold_after(opened: Desk, symbol: str) -> bool:
    return bool([each for each in await opened.sent_sales(symbol) if each["accepted"]])


async def settled(opened: Desk, symbol: str) -> bool:
    states = {each["state"] for each in await opened.sales(symbol)}
    return states.isdisjoint({"sending", "acknowledged", "unknown"})


async def test_a_sale_in_doubt_that_did_sell_is_not_repeated_with_coins_of_others(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M7: the balance bounds what is sold beside a sale in doubt."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "unconfirmed_sale_seconds": 1, "exchange_timeout_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("SOLDUSDT")
        await simulator.arm("hang_after_accept")
        await refuse_every_look_up(simulator)
        await opened.move("SOLDUSDT", "0.85")
        await opened.exits_say(HealthStatus.DEGRADED, "a sale of SOLDUSDT:1 live cannot be confirmed")
        await looks(simulator, 20)
        sales = await opened.sales("SOLDUSDT")
        await simulator.disarm()
        closed = await opened.position_in("SOLDUSDT", "closed")

        assert len(sales) == 1
        assert (closed["base_qty"], await opened.exposure()) == (0, NOTHING)
        [sale] = await opened.sales("SOLDUSDT")
        assert sale["executed_qty"] == bought["base_qty"]


async def test_a_sale_beside_one_in_doubt_leaves_coins_of_a_written_off_position(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """They are not free because the sale in doubt has failed."""
    quick: dict[str, Any] = {"stop_loss_pct": 10, "unconfirmed_sale_seconds": 1, "exchange_timeout_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        bought = await opened.buy("LEFTUSDT")
        await opened.execute(WRITTEN_OFF_BESIDE, "LEFTUSDT:1", "unsellable")
        await simulator.fund(LEFT=f"{bought['base_qty'] * 2:f}")
        await simulator.arm("hang_after_accept")
        await refuse_every_look_up(simulator)
        await opened.move("LEFTUSDT", "0.85")
        await opened.exits_say(HealthStatus.DEGRADED, "a sale of LEFTUSDT:1 live cannot be confirmed")
        await looks(simulator, 20)
        sales = await opened.sales("LEFTUSDT")
        await simulator.disarm()
        await eventually(lambda: settled(opened, "LEFTUSDT"), within_seconds=SECONDS)

        assert len(sales) == 1
        [sale] = await opened.sales("LEFTUSDT")
        assert (sale["state"], sale["executed_qty"]) == ("filled", bought["base_qty"])


async def test_coins_that_were_gone_when_they_were_written_off_keep_no_stop_from_selling_beside_a_sale_in_doubt(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    quick: dict[str, Any] = {"stop_loss_pct": 10, "unconfirmed_sale_seconds": 1, "exchange_timeout_seconds": 0.5}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("GONEUSDT")
        await opened.execute(WRITTEN_OFF_BESIDE, "GONEUSDT:1", "external")
        await simulator.arm("hang_before_accept", side="SELL")
        await refuse_every_look_up(simulator)
        await opened.move("GONEUSDT", "0.85")
        await eventually(lambda: sold_after(opened, "GONEUSDT"), within_seconds=SECONDS)
        await simulator.disarm()
        await eventually(lambda: settled(opened, "GONEUSDT"), within_seconds=SECONDS)


async def test_a_row_that_cannot_be_read_concerns_its_position_alone(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M14."""
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("ODDUSDT")
        await opened.buy("WELLUSDT")
        await opened.execute("UPDATE positions SET listing = '{}'::jsonb WHERE symbol = 'ODDUSDT'")
        await opened.move("WELLUSDT", "0.85")
        await opened.position_in("WELLUSDT", "closed")

        await opened.exits_say(HealthStatus.DEGRADED, "ODDUSDT:1 live cannot be read")


async def test_many_sales_that_sell_nothing_are_told(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """M33."""
    async with desk(database_url, simulator, tmp_path, take_profit_pct=10, sale_attempts_alarm=3) as opened:
        await opened.buy("NEVERUSDT")
        await simulator.arm("api_error", code=30005, message="Oversold", count=1000)
        await opened.move("NEVERUSDT", "1.15")
        await opened.exits_say(HealthStatus.DEGRADED, "3 sales of NEVERUSDT:1 live in a row sold nothing")
        await simulator.disarm()
        await opened.position_in("NEVERUSDT", "closed")


async def test_a_position_may_be_sold_more_often_than_a_small_integer_counts(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """M33."""
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("OFTENUSDT")
        await opened.execute("UPDATE positions SET sales = 40000 WHERE symbol = 'OFTENUSDT'")

        assert (await opened.positions("OFTENUSDT"))[0]["sales"] == 40000


async def test_many_positions_are_watched_by_one_question_for_all_of_them(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, stop_grace_seconds=0.1) as opened:
        await opened.execute("UPDATE trade_config SET max_position_usdt = 10000, max_trade_usdt = 100")
        names = [f"MANY{number}USDT" for number in range(6)]
        for name in names:
            await opened.buy(name)
        for name in names:
            await eventually(partial(referred, opened, name), within_seconds=SECONDS)
        await eventually(lambda: tickers_read(simulator), within_seconds=SECONDS)
        await opened.move(names[3], "0.85")
        await opened.position_in(names[3], "closed")

        assert await opened.sales(names[2]) == []


async def tickers_read(simulator: Simulator) -> bool:
    return (await simulator.requests()).get("GET /api/v3/ticker/bookTicker", 0) > 3
