"""What no position explains is an alarm whenever it is found, and never because of an order that is under way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal

import pytest

from executor.halts.halt_causes import HaltCause
from executor.reconciliation.check_prompt import CheckPrompt
from executor.supervision import unexplained_holdings as holdings
from executor.supervision.unexplained_holdings import UnexplainedHoldings
from shared.events import Mode
from shared.mexc.orders.order_reports import Balance


class World:
    """An account, the books, and what is done between looks at them."""

    def __init__(self, held: Mapping[str, str], positions: Mapping[str, str | None]) -> None:
        self.held = dict(held)
        self.positions = dict(positions)
        self.latched: list[tuple[HaltCause, Mode | None, str]] = []
        self.alarms: list[str] = []
        self.looked_for: list[set[str]] = []
        self.readings = 0
        self.between: Callable[[], None] = lambda: None
        self.stop = asyncio.Event()
        self.appears: Mapping[str, str] = {}

    async def balances(self) -> Mapping[str, Balance]:
        self.readings += 1
        found = {asset: Balance(Decimal(free), Decimal(0)) for asset, free in self.held.items()}
        self.between()
        return found

    async def explained(self) -> Mapping[str, Decimal | None]:
        return {asset: None if held is None else Decimal(held) for asset, held in self.positions.items()}

    async def look_for(self, assets: Collection[str]) -> None:
        self.looked_for.append(set(assets))
        self.positions |= self.appears

    def holdings(self) -> UnexplainedHoldings:
        return UnexplainedHoldings(
            self,
            self.explained,
            {"USDT", "MX"},
            lambda cause, mode, reason: self.latched.append((cause, mode, reason)),
            look_for=self.look_for,
            alarm=lambda _, what: self.alarms.append(what),
        )


@pytest.mark.parametrize(
    ("held", "positions", "unexplained"),
    [
        ({"USDT": "500", "MX": "7"}, {}, ""),
        ({"ABC": "10"}, {"ABC": "10"}, ""),
        ({"ABC": "10.01"}, {"ABC": "10"}, ""),
        ({"ABC": "10.02"}, {"ABC": "10"}, "ABC"),
        ({"ABC": "9"}, {"ABC": "10"}, ""),
        ({"ABC": "0"}, {}, ""),
        ({"ABC": "7"}, {"ABC": None}, ""),
        ({"XYZ": "1", "ABC": "1"}, {}, "ABC, XYZ"),
    ],
)
async def test_coins_that_no_position_explains_halt_live_trading(
    held: dict[str, str], positions: dict[str, str | None], unexplained: str
) -> None:
    world = World(held, positions)

    await world.holdings().check(world.stop, confirm_seconds=0)

    words = f"the account holds what no position explains: {unexplained}" if unexplained else ""
    assert world.latched == ([(HaltCause.HOLDINGS, Mode.LIVE, words)] if unexplained else [])
    assert world.alarms == [words]


async def test_a_sale_that_is_settled_while_the_account_is_asked_is_no_alarm() -> None:
    world = World({"ABC": "10"}, {"ABC": "10"})
    world.between = world.positions.clear

    await world.holdings().check(world.stop, confirm_seconds=0)

    assert world.latched == []


async def test_a_purchase_that_is_settled_while_the_account_is_asked_is_no_alarm() -> None:
    world = World({"ABC": "10"}, {"ABC": None})
    world.between = lambda: world.positions.update(ABC="10")

    await world.holdings().check(world.stop, confirm_seconds=0)

    assert world.latched == []


async def test_what_an_order_that_was_given_up_explains_is_looked_for_and_no_alarm() -> None:
    world = World({"ABC": "10"}, {})
    world.appears = {"ABC": "10"}

    await world.holdings().check(world.stop, confirm_seconds=0)

    assert (world.looked_for, world.latched, world.alarms) == ([{"ABC"}], [], [""])


async def test_the_same_coins_halt_once_and_more_of_others_again() -> None:
    world = World({"ABC": "10"}, {})
    checked = world.holdings()
    await checked.check(world.stop, confirm_seconds=0)
    await checked.check(world.stop, confirm_seconds=0)
    world.held["XYZ"] = "1"
    await checked.check(world.stop, confirm_seconds=0)

    assert [reason.rpartition(": ")[2] for _, _, reason in world.latched] == ["ABC", "XYZ"]
    assert world.alarms[-1].endswith(": ABC, XYZ")


async def test_coins_that_are_gone_for_good_are_no_alarm_any_more() -> None:
    world = World({"ABC": "10"}, {})
    checked = world.holdings()
    await checked.check(world.stop, confirm_seconds=0)
    world.held.clear()
    await checked.check(world.stop, confirm_seconds=0)

    assert world.alarms[-1] == ""


async def watched(world: World, monkeypatch: pytest.MonkeyPatch, *after: Callable[[], Awaitable[None]]) -> list[float]:
    """Watch, with something happening during each pause; return how long each was meant to be."""
    pauses: list[float] = []
    stop = asyncio.Event()
    coming = list(after)

    async def pause(seconds: float, _: asyncio.Event) -> None:
        pauses.append(seconds)
        if coming:
            await coming.pop(0)()
        else:
            stop.set()

    prompt = CheckPrompt()
    monkeypatch.setattr(holdings, "pause", pause)
    monkeypatch.setattr(prompt, "pause", pause)
    await world.holdings().watch(60.0, stop, confirm_seconds=5.0, prompt=prompt)
    return pauses


async def test_coins_that_appear_while_it_runs_are_an_alarm_once_they_were_seen_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({}, {})

    async def appears() -> None:
        world.held["ABC"] = "10"

    async def stays() -> None:
        assert world.latched == []

    pauses = await watched(world, monkeypatch, appears, stays)

    assert [reason for _, _, reason in world.latched] == ["the account holds what no position explains: ABC"]
    assert pauses == [60.0, 5.0, 60.0]


async def test_a_balance_that_is_behind_a_sale_that_just_ended_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"ABC": "10"}, {"ABC": "10"})

    async def sold() -> None:
        world.positions.clear()

    async def shows() -> None:
        world.held.clear()

    await watched(world, monkeypatch, sold, shows)

    assert world.latched == []


async def test_a_stop_before_the_second_look_leaves_it_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({}, {})

    async def appears() -> None:
        world.held["ABC"] = "10"

    await watched(world, monkeypatch, appears)

    assert (world.readings, world.latched) == (1, [])


async def test_the_account_is_read_once_a_check_while_everything_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"ABC": "10"}, {"ABC": "10"})

    async def nothing() -> None: ...

    await watched(world, monkeypatch, nothing, nothing, nothing)

    assert (world.readings, world.alarms) == (3, ["", "", ""])


async def test_a_balance_that_is_behind_at_the_start_is_looked_at_once_more_before_it_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World({"ABC": "10"}, {})

    async def shows(seconds: float, _: asyncio.Event) -> None:
        assert (seconds, world.latched) == (5, [])
        world.held.clear()

    monkeypatch.setattr(holdings, "pause", shows)
    await world.holdings().check(world.stop, confirm_seconds=5)

    assert (world.readings, world.latched, world.alarms) == (2, [], [""])


async def test_a_stop_before_the_second_look_of_a_start_halts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"ABC": "10"}, {})

    async def stops(_: float, stop: asyncio.Event) -> None:
        stop.set()

    monkeypatch.setattr(holdings, "pause", stops)
    await world.holdings().check(world.stop, confirm_seconds=5)

    assert (world.readings, world.latched) == (1, [])
