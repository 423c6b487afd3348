"""An executor that is asked to stop while a purchase, or the database and the broker, hang."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest
import pytest_asyncio

from tests.faults.ground import Ground, a_ground
from tests.servers.broker import private_rabbitmq_server
from tests.servers.postgres import PrivatePostgres, private_postgres_server
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

GRACE_SECONDS: Final = 30
"""Of `deploy/compose.yaml`; Kubernetes gives more."""
WATCHED: Final = "SELECT FROM positions WHERE listing_key = $1 AND stop_reference IS NOT NULL"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with private_postgres_server(durable=False) as server:
        yield server


@pytest.fixture(scope="module")
def broker() -> Iterator[PrivateRabbitMQ]:
    with private_rabbitmq_server(durable=False) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ground(
    postgres: PrivatePostgres, broker: PrivateRabbitMQ, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    async with a_ground(postgres, broker, tmp_path_factory.mktemp("executor")) as ground:
        yield ground


async def test_a_stop_that_is_due_while_a_purchase_hangs_at_a_stop_is_sold_before_the_end(ground: Ground) -> None:
    async with ground.executor(exit_check_seconds=0.2, stop_loss_pct=20) as executor:
        held, hanging = await ground.lists(), await ground.lists()
        await ground.publish(held)
        await ground.becomes(held, "filled")
        await eventually(lambda: ground.rows(WATCHED, held.key))
        await executor.hold("before send")
        await ground.publish(hanging)
        await executor.reaches("before send")
        await executor.told_to_stop()
        # The first request to sell is refused for its price, as nothing tells how far it may be from the last trade.
        await ground.simulator.change_coin(held.symbol, price_protection="0.03", filters=[])
        await ground.simulator.change_coin(held.symbol, bids=[["0.7", "100000"]], last_price="0.7")

        async def sold() -> bool:
            return [each["side"] for each in await ground.placed(held)] == ["BUY", "SELL"]

        await eventually(sold, within_seconds=8)
        executor.go_on()
        assert await executor.ends() == 0, executor.log()

    sales = [each for each in await ground.posted(held) if each["side"] == "SELL"]
    assert [each["accepted"] for each in sales] == [False, True]
    assert len(await ground.placed(hanging)) <= 1  # Held up for long, it is not sent any more.


async def test_a_stop_while_nothing_answers_ends_within_the_grace_and_the_next_start_settles(
    ground: Ground, postgres: PrivatePostgres, broker: PrivateRabbitMQ
) -> None:
    listing = await ground.lists()
    async with ground.executor("after send") as executor:
        await ground.publish(listing)
        await executor.reaches("after send")
        postgres.freeze()
        broker.freeze()
        try:
            await executor.told_to_stop()
            executor.go_on()
            assert await executor.ends(within_seconds=GRACE_SECONDS - 2) == 0, executor.log()
            log = executor.log()
        finally:
            broker.thaw()
            postgres.thaw()
    await ground.staffed()
    await ground.becomes(listing, "filled")
    await ground.settled()

    assert "an order is left to the next start" in log
    assert "Traceback" not in log
    assert len(await ground.placed(listing)) == 1
