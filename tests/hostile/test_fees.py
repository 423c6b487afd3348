"""M20: an exchange that charges more for taking than was set."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from shared.events import HealthStatus, Source
from tests.hostile.ground import Ground, a_ground
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

LIMIT = Decimal(100)
AT_THE_CAP = {"asks": [("1.05", "100000")], "bids": [("1.04", "100000")]}
"""It was seen at 1, and 5 % more is what a purchase may pay."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dear_ground(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """A fee of 0.2 %, four times what is set."""
    directory = tmp_path_factory.mktemp("dear")
    async with a_ground(postgres_server, rabbitmq_server, directory, taker_fee="0.002") as ground:
        yield ground


async def spent(ground: Ground, symbol: str) -> Decimal:
    """Return what the ledger says that *symbol* cost, fee included, which is what the books say to the cent above."""
    position = await ground.position(symbol, "open")
    fills = (await ground.exchange.spending())["fills"]
    ours = [each for each in fills if each["symbol"] == symbol]
    cost = sum((Decimal(each["quote_value"]) + Decimal(each["fee_quote"]) for each in ours), Decimal(0))
    assert cost <= position["cost_usdt"] < cost + Decimal("0.01")
    return cost


async def test_a_purchase_that_is_filled_at_its_cap_costs_no_cent_more_than_its_limits(dear_ground: Ground) -> None:
    await dear_ground.staffed()
    await dear_ground.buys("DEARUSDT", **AT_THE_CAP)

    assert Decimal("99.9") < await spent(dear_ground, "DEARUSDT") <= LIMIT


async def test_nor_does_one_of_which_nobody_told_the_rules_once_the_fee_was_seen(dear_ground: Ground) -> None:
    await dear_ground.allows(trade_usdt=100, position_usdt=200)
    await dear_ground.staffed()
    listing = await dear_ground.lists("UNRULEDUSDT", **AT_THE_CAP)
    await dear_ground.announces(listing.model_copy(update={"rules": None, "source": Source.MEXC_REST_API}))

    assert Decimal(98) < await spent(dear_ground, "UNRULEDUSDT") <= LIMIT


async def test_a_fee_that_was_told_too_low_is_reckoned_with_from_then_on_and_a_person_is_told(
    dear_ground: Ground,
) -> None:
    await dear_ground.allows(trade_usdt=100, position_usdt=500)
    await dear_ground.relieved()
    await dear_ground.staffed()
    costs = []
    for symbol in ("LIARUSDT", "LIARTWOUSDT"):
        listing = await dear_ground.lists(symbol, **AT_THE_CAP)
        assert listing.rules is not None
        lie = listing.rules.model_copy(update={"taker_fee": Decimal(0)})
        await dear_ground.announces(listing.model_copy(update={"rules": lie}))
        costs.append(await spent(dear_ground, symbol))

    assert costs[0] > LIMIT >= costs[1] > Decimal("99.9")
    await dear_ground.says("executor", HealthStatus.DEGRADED, "LIARUSDT was charged a fee of 0.2000 %")
