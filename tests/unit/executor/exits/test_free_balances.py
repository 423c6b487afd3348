"""Balances that spare a sale the request for another."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from executor.exits.sale_orders import COVERED_SECONDS, REQUEST_SECONDS, FreeBalances
from executor.sending.last_balances import PROOF_SECONDS, LastBalances
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.orders.order_reports import Balance
from tests.waiting import eventually


class Account:
    """An account with a hundred coins, and a clock."""

    def __init__(self) -> None:
        self.coins = Decimal(100)
        self.now = 0.0
        self.requests = 0
        self.is_away = False
        self.answer = asyncio.Event()
        self.answer.set()

    async def balances(self) -> Mapping[str, Balance]:
        self.requests += 1
        await self.answer.wait()
        if self.is_away:
            raise ExchangeUnavailable("away")
        return {"ABC": Balance(self.coins, Decimal(0))}

    def clock(self) -> float:
        return self.now


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def free(account: Account) -> FreeBalances:
    return FreeBalances(account, account.clock)


async def test_balance_that_was_read_ahead_covers_a_position(free: FreeBalances) -> None:
    assert not free.covers("ABC", Decimal(100))
    await free.read_ahead()

    assert free.covers("ABC", Decimal(100))
    assert not free.covers("ABC", Decimal("100.01"))
    assert not free.covers("XYZ", Decimal(1))


async def test_it_covers_one_sale(free: FreeBalances) -> None:
    await free.read_ahead()
    free.spend("ABC")

    assert not free.covers("ABC", Decimal(1))


async def test_it_covers_none_after_a_while(free: FreeBalances, account: Account) -> None:
    await free.read_ahead()
    account.now = COVERED_SECONDS + 1

    assert not free.covers("ABC", Decimal(1))


async def test_it_covers_none_after_a_sale_was_served_by_it(free: FreeBalances) -> None:
    await free.of("ABC")

    assert not free.covers("ABC", Decimal(1))


async def test_spent_balance_stays_spent_while_another_is_read(free: FreeBalances, account: Account) -> None:
    await free.read_ahead()
    free.spend("ABC")
    account.answer.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(free.read_ahead())
        await eventually(lambda: account.requests == 2)
        assert not free.covers("ABC", Decimal(1))
        account.answer.set()

    assert free.covers("ABC", Decimal(1))


async def test_failed_reading_leaves_a_spent_balance_spent(free: FreeBalances, account: Account) -> None:
    await free.read_ahead()
    free.spend("ABC")
    account.is_away = True
    await free.read_ahead()

    assert not free.covers("ABC", Decimal(1))


async def test_it_is_read_again_for_an_asset_after_a_while_and_for_another_at_once(
    free: FreeBalances, account: Account
) -> None:
    assert not free.claim_reading([])
    assert free.claim_reading(["ABC"])
    assert not free.claim_reading(["ABC"])
    assert free.claim_reading(["ABC", "XYZ"])
    account.now = REQUEST_SECONDS + 1
    assert free.claim_reading(["ABC"])


async def test_balance_of_some_time_ago_proves_nothing_about_a_sale(account: Account) -> None:
    balances = LastBalances(account, account.clock)
    await balances.balances()
    assert balances.last("ABC") == Balance(Decimal(100), Decimal(0))
    account.now = PROOF_SECONDS + 0.1

    assert balances.last("ABC") is None
