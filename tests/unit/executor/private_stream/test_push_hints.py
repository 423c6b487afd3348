"""What a push asks for, and what is counted of it."""

from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from executor.model.order import client_order_id
from executor.private_stream.account_pushes import BalancePush, DealPush, OrderPush, OtherPush, Push
from executor.private_stream.push_hints import Checks, PushHints
from executor.private_stream.push_metrics import PushMetrics
from shared.events import Mode, Side
from tests.support.data.builders import a_listing

OURS = client_order_id(a_listing().key, Mode.LIVE, Side.BUY)


@dataclass
class Unsettled:
    known: set[str]
    hints: list[str] = field(default_factory=list)

    def hint(self, sent_as: str) -> bool:
        self.hints.append(sent_as)
        return sent_as in self.known


@dataclass
class Asked:
    orders: list[str] = field(default_factory=list)
    prompts: int = 0

    def hint(self, sent_as: str) -> None:
        self.orders.append(sent_as)

    def prompt(self) -> None:
        self.prompts += 1


class World:
    def __init__(self, *known: str) -> None:
        self.unsettled, self.asked, self.registry = Unsettled(set(known)), Asked(), CollectorRegistry()
        checks = Checks(self.unsettled.hint, self.asked.hint, [self.asked.prompt, self.asked.prompt])
        self.hints = PushHints(checks, {"USDT", "MX"}, PushMetrics(self.registry))

    def counted(self, metric: str) -> dict[str, float]:
        name = f"sniper_executor_private_stream_{metric}"
        samples = (each for family in self.registry.collect() for each in family.samples if each.name == name)
        return {each.labels["kind"]: each.value for each in samples}


@pytest.mark.parametrize("push", [OrderPush(OURS), DealPush(OURS)])
def test_an_unsettled_order_of_ours_is_looked_up(push: Push) -> None:
    world = World(OURS)

    assert world.hints.take(push)
    assert (world.unsettled.hints, world.asked.orders) == ([OURS], [])
    assert world.counted("hints_total") == {"order": 1}


def test_an_order_of_ours_that_is_not_unsettled_may_have_been_given_up() -> None:
    world = World()
    world.hints.take(OrderPush(OURS))

    assert world.asked.orders == [OURS]
    assert world.counted("hints_total") == {}


@pytest.mark.parametrize("name", ["", "by-hand-1", OURS.lower(), OURS + "A", "x" * 100_000])
def test_an_order_of_others_is_counted_and_nothing_else(name: str) -> None:
    world = World(name)

    assert world.hints.take(OrderPush(name))
    assert (world.unsettled.hints, world.asked.orders) == ([], [])
    assert world.counted("pushes_total") == {"foreign": 1}


def test_a_balance_has_every_comparison_made_unless_it_is_of_no_interest() -> None:
    world = World()
    for asset in ("ABC", "USDT", "MX"):
        world.hints.take(BalancePush(asset))

    assert world.asked.prompts == 2
    assert world.counted("pushes_total") == {"balance": 3}


def test_what_was_not_subscribed_to_is_no_data() -> None:
    world = World()

    assert not world.hints.take(OtherPush())
    assert world.counted("pushes_total") == {"other": 1}
