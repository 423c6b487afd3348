"""Looks beside the waits between attempts: for every order, and bounded where there are many."""

import asyncio
from collections.abc import Collection
from typing import cast

from executor.decisions.retry_corrections import RetryCounts
from executor.decisions.retry_policy import Retry
from executor.model.order import Order
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.absence_check import BESIDE, BESIDE_EVERY_SECONDS, BESIDE_MAX, BESIDE_WAIT_SECONDS, AbsenceCheck
from executor.sending.presend_check import ExchangeTime
from executor.settings import ExecutorSettings
from executor.venues.venue import Absent, Venue, Way
from shared.events import Mode
from tests.support.data.builders import NOON, an_order
from tests.support.data.order_requests import capped


class Unbanned:
    def banned_seconds(self) -> float:
        return 0.0


class Looks:
    """A venue at which nothing is found."""

    def __init__(self) -> None:
        self.sought: list[str] = []

    async def look_up(self, order: Order, _: Collection[Way], /) -> Absent:
        self.sought.append(order.sent_as)
        await asyncio.sleep(0)
        return Absent()


def an_absence(looks: Looks | None = None) -> AbsenceCheck:
    venues = {Mode.DRY_RUN: cast("Venue", looks or Looks())}
    slots, time = cast("OrderSlots", Unbanned()), cast("ExchangeTime", None)
    return AbsenceCheck(venues, slots, time, ExecutorSettings(), balances=None, now=lambda: NOON)


def orders(count: int) -> list[Order]:
    return [an_order(client_order_id=f"sn{number}") for number in range(count)]


async def test_each_of_several_orders_that_find_their_symbols_closed_is_looked_for_before_it_goes_out_again() -> None:
    looks, several = Looks(), orders(4)
    absence = an_absence(looks)
    again = Retry(capped("1", "1"), BESIDE_WAIT_SECONDS, RetryCounts(not_open=1))
    inquiries = [absence.inquiry(each, asyncio.Event()) for each in several]

    async with asyncio.TaskGroup() as waits:
        for inquiry in inquiries:
            waits.create_task(inquiry.wait_before(again, written=True))

    assert sorted(looks.sought) == [each.sent_as for each in several]


async def test_no_look_beside_a_wait_waits_for_that_of_another_order() -> None:
    answered = asyncio.Event()

    class Slow(Looks):
        async def look_up(self, order: Order, _: Collection[Way], /) -> Absent:
            self.sought.append(order.sent_as)
            await answered.wait()
            return Absent()

    looks, several = Slow(), orders(3)
    absence = an_absence(looks)
    looking = [asyncio.create_task(absence.look(each, BESIDE)) for each in several]
    await asyncio.sleep(0)
    sought = list(looks.sought)
    answered.set()

    assert await asyncio.gather(*looking) == [None] * 3
    assert sought == [each.sent_as for each in several]


def test_one_order_is_looked_for_every_two_seconds_whatever_others_do() -> None:
    absence, (one, other) = an_absence(), orders(2)

    looked = []
    for order, at in ((one, 0.0), (other, 0.1), (one, 1.9), (one, BESIDE_EVERY_SECONDS), (other, 2.05)):
        looked.append(absence.begin_look_beside(order, at))
        absence.end_look_beside(order)

    assert looked == [True, True, False, True, False]


def test_of_many_no_more_than_a_few_are_looked_for_at_once_and_each_the_more_rarely() -> None:
    absence, many = an_absence(), orders(2 * BESIDE_MAX)

    at_once = [absence.begin_look_beside(each, 0.0) for each in many]
    for each in many:
        absence.end_look_beside(each)
    then = [absence.begin_look_beside(each, 0.25) for each in many]
    for each in many:
        absence.end_look_beside(each)

    assert at_once == [True] * BESIDE_MAX + [False] * BESIDE_MAX
    assert then == [False] * BESIDE_MAX + [True] * BESIDE_MAX
    assert not absence.begin_look_beside(many[0], BESIDE_EVERY_SECONDS)
    for each in many[1:]:
        absence.forget(each)
    assert absence.begin_look_beside(many[0], BESIDE_EVERY_SECONDS)
