"""An order that waits for an opening goes out at its moment, once, or not at all."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.events import Listing, ListingRescheduled, TradeStatus, utc_now
from tests.support.running.desks import ONE_DOLLAR, SECONDS, Desk, desk, fresh
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

NOTHING = (Decimal("0.00"), Decimal("0.00"))
BUSY = timedelta(seconds=10)
"""How late one order may be on a busy machine."""


async def announce(opened: Desk, symbol: str, opens_in: float, **coin: Any) -> Listing:
    """List a coin that opens later, and tell of it; return once a live order for it waits."""
    return await announce_in(opened, symbol, opens_in, mode="live", **coin)


async def announce_in(opened: Desk, symbol: str, opens_in: float, *, mode: str, **coin: Any) -> Listing:
    listed = await opened.simulator.list_coin(symbol, opens_in, **{**ONE_DOLLAR, **coin})
    listing = fresh(symbol, opens_at=moment(listed["first_open_time_ms"]))
    await opened.tell(listing)
    await order_in(opened, symbol, "armed", mode)
    return listing


async def reschedule(opened: Desk, listing: Listing, opens_in: float) -> datetime:
    """Let the exchange move the opening, and tell of it; return the new one."""
    changed = await opened.simulator.change_coin(listing.symbol, opens_in=opens_in)
    opens_at = moment(changed["first_open_time_ms"])
    told = listing.model_dump() | {"id": f"{listing.key}:{opens_at.isoformat()}", "opens_at": opens_at}
    await opened.tell(ListingRescheduled.model_validate(told))
    return opens_at


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


async def order_in(opened: Desk, symbol: str, state: str, mode: str = "live") -> Mapping[str, Any]:
    async def found() -> list[Mapping[str, Any]]:
        query = "SELECT * FROM orders WHERE symbol = $1 AND mode = $2 AND side = 'BUY' AND state = $3"
        return await opened.rows(query, symbol, mode, state)

    orders: list[Mapping[str, Any]] = await eventually(found, within_seconds=SECONDS)
    return orders[0]


async def received(simulator: Simulator, symbol: str) -> list[datetime]:
    """Return when each order for *symbol* reached the exchange, by its clock."""
    return [moment(each["received_exchange_ns"] // 1_000_000) for each in await simulator.orders(symbol)]


async def lateness(opened: Desk, symbol: str, opens_at: datetime | None) -> timedelta:
    """Return how long after its opening the order for *symbol* reached the exchange; none may come before that.

    One that is a hair early is refused and sent again: nobody knows the exchange's time to the millisecond.
    """
    await opened.position_in(symbol, "open")
    requests = await received(opened.simulator, symbol)
    assert opens_at is not None
    assert opens_at - timedelta(milliseconds=50) <= requests[0]
    assert opens_at <= requests[-1]
    return requests[-1] - opens_at


async def test_an_order_is_sent_at_the_opening_and_not_before(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listings = [await announce(opened, f"WAIT{number}USDT", 3 + number / 2) for number in range(3)]
        waiting = await opened.exposure()
        late = [await lateness(opened, each.symbol, each.opens_at) for each in listings]

        assert waiting == NOTHING
        # One of them may meet a moment in which the machine does something else.
        assert sorted(late)[1] < timedelta(seconds=1)


async def test_an_order_that_waits_survives_a_restart(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listing = await announce(opened, "KEPTUSDT", 8)
    async with desk(database_url, simulator, tmp_path) as opened:
        assert await lateness(opened, "KEPTUSDT", listing.opens_at) < BUSY


async def test_an_order_whose_opening_passed_expires_instead_of_being_late(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listing = await announce(opened, "LATEUSDT", 4)
    assert listing.opens_at is not None
    over = listing.opens_at + timedelta(seconds=1.5)
    await eventually(lambda: utc_now() > over, within_seconds=SECONDS)
    async with desk(database_url, simulator, tmp_path, listing_age_seconds=1.0) as opened:
        expired = await order_in(opened, "LATEUSDT", "expired")
        trade = await opened.trade("LATEUSDT", "BUY", TradeStatus.REJECTED)

        assert expired["error_reason"].startswith("opening_passed")
        assert trade.error_reason == expired["error_reason"]
        assert await received(simulator, "LATEUSDT") == []
        assert await opened.exposure() == NOTHING


@pytest.mark.parametrize(("first", "then"), [(3600, 3), (3, 6), (9, 3)])
async def test_an_order_follows_its_opening(
    database_url: str, simulator: Simulator, tmp_path: Path, first: float, then: float
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listing = await announce(opened, "MOVEUSDT", first)
        opens_at = await reschedule(opened, listing, then)

        assert await lateness(opened, "MOVEUSDT", opens_at) < BUSY


async def test_a_halt_at_an_opening_that_was_moved_away_refuses_nothing(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listing = await announce(opened, "AWAYUSDT", 4)
        await opened.execute("UPDATE trade_config SET halted = true, halted_reason = 'test'")
        opens_at = await reschedule(opened, listing, 8)
        assert listing.opens_at is not None
        over = listing.opens_at + timedelta(seconds=0.5)
        await eventually(lambda: utc_now() > over, within_seconds=SECONDS)
        await opened.execute("UPDATE trade_config SET halted = false, resumed_at = now()")
        await opened.position_in("AWAYUSDT", "open")
        [at] = await received(simulator, "AWAYUSDT")

        assert at >= opens_at


@pytest.mark.parametrize("code", [30001, 10007, 30016])
async def test_a_symbol_that_opens_late_is_asked_for_until_it_does(
    database_url: str, simulator: Simulator, tmp_path: Path, code: int
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await announce(opened, "SLOWUSDT", 3, opens_late_by=0.8, preopen_code=code)
        await opened.position_in("SLOWUSDT", "open")
        orders = await simulator.orders("SLOWUSDT")

        assert len(orders) > 1
        assert [each["accepted"] for each in orders] == [False] * (len(orders) - 1) + [True]
        assert len({each["client_order_id"] for each in orders}) == 1


async def test_a_symbol_that_does_not_open_is_waited_for_until_an_opening_is_told(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, retry_seconds=0.6, exchange_timeout_seconds=0.5) as opened:
        listing = await announce(opened, "NEVERUSDT", 3, opens_late_by=3600)
        await eventually(lambda: received(simulator, "NEVERUSDT"), within_seconds=SECONDS)
        postponed = await order_in(opened, "NEVERUSDT", "armed")
        released = await opened.exposure()
        tried = len(await received(simulator, "NEVERUSDT"))
        opens_at = await reschedule(opened, listing, 2)
        await opened.position_in("NEVERUSDT", "open")

        assert (postponed["fire_at"], released) == (None, NOTHING)
        assert (await received(simulator, "NEVERUSDT"))[tried] >= opens_at


async def test_a_halt_while_an_order_waits_refuses_it(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await announce(opened, "HALTUSDT", 3)
        await opened.execute("UPDATE trade_config SET halted = true, halted_reason = 'test'")
        refused = await order_in(opened, "HALTUSDT", "rejected")

        assert refused["error_reason"].startswith("halted")
        assert await received(simulator, "HALTUSDT") == []
        assert await opened.exposure() == NOTHING


async def test_an_order_that_waits_is_sent_in_the_mode_of_its_opening(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await announce(opened, "MODEUSDT", 3)
        await opened.execute("UPDATE trade_config SET auto_trade = false")
        await order_in(opened, "MODEUSDT", "filled", mode="dry-run")
        ended = await order_in(opened, "MODEUSDT", "rejected")

        assert ended["error_reason"] == "mode_switched"
        assert all(each["test"] for each in await simulator.orders("MODEUSDT"))


async def test_a_switch_of_modes_at_an_opening_that_was_moved_away_sends_nothing_early(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.execute("UPDATE trade_config SET auto_trade = false")
        listing = await announce_in(opened, "BOTHUSDT", 4, mode="dry-run")
        await opened.execute("UPDATE trade_config SET auto_trade = true")
        opens_at = await reschedule(opened, listing, 8)
        await opened.position_in("BOTHUSDT", "open")
        sent = await received(simulator, "BOTHUSDT")

        assert len(sent) == 1
        assert sent[0] >= opens_at


async def test_an_order_without_an_offer_at_the_opening_waits_for_one(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        listing = await announce(opened, "EMPTYUSDT", 3, asks=[], bids=[])
        assert listing.opens_at is not None
        over = listing.opens_at + timedelta(seconds=0.3)
        await eventually(lambda: utc_now() > over, within_seconds=SECONDS)
        early = await received(simulator, "EMPTYUSDT")
        await simulator.change_coin("EMPTYUSDT", asks=[["1", "1000"]])
        position = await opened.position_in("EMPTYUSDT", "open")

        assert early == []
        assert position["average_price"] == 1


async def test_a_coin_that_nobody_offers_is_waited_for_until_an_opening_is_told_that_was_not_known_at_first(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, retry_seconds=0.6, exchange_timeout_seconds=0.5) as opened:
        await simulator.list_coin("EARLYUSDT", **ONE_DOLLAR, asks=[], bids=[])
        listing = fresh("EARLYUSDT", price=None, rules=None)
        await opened.tell(listing)
        waiting = await order_in(opened, "EARLYUSDT", "armed")
        released = await opened.exposure()
        await simulator.change_coin("EARLYUSDT", asks=[["1", "1000"]], bids=[["0.99", "1000"]])
        opens_at = await reschedule(opened, listing, 2)
        await opened.position_in("EARLYUSDT", "open")

        assert (waiting["fire_at"], waiting["error_reason"].partition(":")[0]) == (None, "not_open")
        assert released == NOTHING
        assert (await received(simulator, "EARLYUSDT"))[0] >= opens_at
