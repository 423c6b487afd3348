"""One of several ingests holds the lease: by what each sees of it, and by no clock."""

from collections.abc import AsyncIterator, Callable

import pytest

from ingest.lease import STALL_SECONDS, Lease
from shared.errors import TransientError
from shared.postgres.database import Database
from tests.servers.postgres import PrivatePostgres
from tests.support.running.services import open_database
from tests.waiting import eventually


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


async def test_the_first_holds_it_and_the_second_stands_by_and_says_for_whom(database: Database, clock: Clock) -> None:
    first, second = Lease(database, holder="first", now=clock), Lease(database, holder="second", now=clock)

    for _ in range(10):
        await first.refresh()
        await second.refresh()
        clock.seconds += STALL_SECONDS

    assert (first.is_held, second.is_held) == (True, False)
    assert (first(), second()) == ("", "stands by: first watches")


async def test_a_lease_that_is_left_is_taken_at_the_next_look(database: Database, clock: Clock) -> None:
    first, second = Lease(database, holder="first", now=clock), Lease(database, holder="second", now=clock)
    await first.refresh()
    await second.refresh()

    await first.release()
    await second.refresh()

    assert second.is_held


async def test_a_lease_that_stops_beating_is_taken_and_its_holder_finds_out(database: Database, clock: Clock) -> None:
    first, second = Lease(database, holder="first", now=clock), Lease(database, holder="second", now=clock)
    await first.refresh()
    await second.refresh()
    clock.seconds += STALL_SECONDS / 2
    await second.refresh()
    assert not second.is_held

    clock.seconds += STALL_SECONDS / 2
    await second.refresh()
    assert second.is_held

    await first.refresh()
    assert not first.is_held
    await first.refresh()
    assert first() == "stands by: second watches"


async def test_only_one_of_many_takes_what_is_free(database: Database, clock: Clock) -> None:
    waiting = [Lease(database, holder=str(number), now=clock) for number in range(8)]
    gone = Lease(database, holder="gone", now=clock)
    await gone.refresh()
    for each in waiting:
        await each.refresh()
    clock.seconds += STALL_SECONDS

    for each in waiting:
        await each.refresh()

    assert [each.is_held for each in waiting].count(True) == 1


async def test_while_the_database_is_away_the_holder_goes_on_and_nobody_takes_over(
    private_postgres: Callable[[], PrivatePostgres], clock: Clock
) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as database:
        first, second = Lease(database, holder="first", now=clock), Lease(database, holder="second", now=clock)
        await first.refresh()
        await second.refresh()

        server.stop()
        for each in (first, second):
            with pytest.raises(TransientError):
                await each.refresh()
        clock.seconds += 100 * STALL_SECONDS
        server.start()
        await again(second)  # What it saw before the gap counts no more.

        assert (first.is_held, second.is_held) == (True, False)
        await again(first)
        assert first.is_held


async def again(lease: Lease) -> None:
    """Look until the database answers."""

    async def looked() -> bool:
        try:
            await lease.refresh()
        except TransientError:
            return False
        return True

    await eventually(looked)
