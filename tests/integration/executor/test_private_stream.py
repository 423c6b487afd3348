"""The private stream on the simulator: followed, again after every failure, with a listenKey that stays secret."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from executor.private_stream.listen_key import ListenKey
from executor.private_stream.private_stream import PrivateStream
from executor.private_stream.push_hints import Checks, PushHints
from executor.private_stream.push_metrics import PushMetrics
from shared.mexc.http.request import RestLimits
from shared.mexc.http.signed_request import Signing
from shared.mexc.http.signing import Signer
from shared.mexc.orders.account import MexcAccount, connect_account
from shared.mexc.streams.connection import StreamOptions
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, trading
from tests.waiting import eventually

OURS = "snABCDEFGHIJKLMNOPQRSTUVWXYZ"
QUICK: dict[str, Any] = {
    "ping_seconds": 0.1,
    "stall_seconds": 0.3,
    "io_seconds": 2.0,
    "retry_first_seconds": 0.05,
    "retry_max_seconds": 0.1,
}


@dataclass
class Seen:
    """Checks that only remember what they were asked for."""

    orders: list[str] = field(default_factory=list)
    prompts: int = 0

    def hint(self, sent_as: str) -> bool:
        self.orders.append(sent_as)
        return True

    def prompt(self) -> None:
        self.prompts += 1


class Keys:
    """The account, with every listenKey that it made."""

    def __init__(self, account: MexcAccount) -> None:
        self._account = account
        self.made: list[SecretStr] = []
        self.kept = 0
        self.deleted: list[SecretStr] = []

    async def create_listen_key(self) -> SecretStr:
        self.made.append(await self._account.create_listen_key())
        return self.made[-1]

    async def keep_listen_key(self, key: SecretStr) -> None:
        self.kept += 1
        await self._account.keep_listen_key(key)

    async def delete_listen_key(self, key: SecretStr) -> None:
        self.deleted.append(key)
        await self._account.delete_listen_key(key)


@dataclass
class Following:
    stream: PrivateStream
    seen: Seen
    keys: Keys
    registry: CollectorRegistry

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"sniper_executor_private_stream_{name}", labels) or 0.0


@asynccontextmanager
async def following(
    simulator: Simulator, *, keep_alive_seconds: float = 60, **options: Any
) -> AsyncIterator[Following]:
    """Follow the private stream for the time of the block."""
    signing = Signing(Signer(simulator.api_key, simulator.api_secret), lambda: time.time_ns() // 1_000_000, 2_000)
    seen, registry, stop = Seen(), CollectorRegistry(), asyncio.Event()
    async with connect_account(simulator.rest_url, signing, RestLimits(total_seconds=2)) as account:
        keys = Keys(account)
        checks = Checks(seen.hint, lambda _: None, [seen.prompt])
        hints = PushHints(checks, {"USDT"}, PushMetrics(registry))
        chosen = StreamOptions(simulator.ws_url, **QUICK | options)
        stream = PrivateStream(chosen, ListenKey(keys), hints, keep_alive_seconds=keep_alive_seconds)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stream.run(stop))
            await eventually(lambda: stream.is_connected)
            yield Following(stream, seen, keys, registry)
            stop.set()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as started:
        yield started


@pytest.fixture
async def trader(simulator: Simulator) -> AsyncIterator[Trader]:
    async with trading(simulator) as each:
        yield each


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Everything that is logged, as text, before any redaction."""
    before, said = structlog.get_config(), list[str]()

    def note(_: object, __: str, line: Any) -> Any:
        said.append(repr(line))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, note])
    yield said
    structlog.configure(**before)


async def test_pushes_about_an_order_of_ours_ask_for_its_look_up(simulator: Simulator, trader: Trader) -> None:
    async with following(simulator) as stream:
        await trader.buy(newClientOrderId=OURS)

        await eventually(lambda: stream.count("pushes_total", kind="order") == 2)
        assert set(stream.seen.orders) == {OURS}
        assert stream.count("pushes_total", kind="deal") >= 1
        assert stream.count("connected") == 1
        assert stream.count("age_seconds") < 60


async def test_orders_by_hand_are_counted_and_ask_for_nothing(
    simulator: Simulator, trader: Trader, lines: list[str]
) -> None:
    async with following(simulator) as stream:
        await trader.buy(newClientOrderId="by-hand-1")
        await trader.buy()

        await eventually(lambda: stream.count("pushes_total", kind="foreign") >= 6)
        assert stream.seen.orders == []
    assert sum("not sent from here" in line for line in lines) == 1


async def test_a_changed_balance_of_a_coin_asks_for_a_comparison(simulator: Simulator) -> None:
    async with following(simulator) as stream:
        await simulator.fund(USDT="5000")
        await simulator.fund(ABC="7")

        await eventually(lambda: stream.count("pushes_total", kind="balance") == 2)
        assert stream.seen.prompts == 1


async def test_a_listen_key_that_ended_is_replaced(simulator: Simulator, trader: Trader) -> None:
    async with following(simulator) as stream:
        await simulator.arm("ws_listen_keys_expire")

        await eventually(lambda: len(stream.keys.made) == 2 and stream.stream.is_connected)
        await trader.buy(newClientOrderId=OURS)
        await eventually(lambda: stream.seen.orders)


async def test_a_key_refused_when_it_is_kept_alive_is_replaced(simulator: Simulator) -> None:
    async with following(simulator, keep_alive_seconds=0.1, stall_seconds=600) as stream:
        await eventually(lambda: stream.keys.kept >= 2)
        await simulator.arm("ws_listen_keys_expire")

        await eventually(lambda: len(stream.keys.made) == 2 and stream.stream.is_connected)


async def test_a_key_is_kept_through_a_lost_connection(simulator: Simulator) -> None:
    async with following(simulator) as stream:
        await simulator.arm("ws_disconnect")
        await eventually(lambda: stream.count("disconnects_total", stream="private") == 1)
        await eventually(lambda: stream.stream.is_connected)

        assert len(stream.keys.made) == 1


async def test_a_stream_that_is_refused_for_long_gets_another_key(simulator: Simulator) -> None:
    async with following(simulator) as stream:
        await simulator.arm("ws_refuse_connection", count=4)
        await simulator.arm("ws_disconnect")

        await eventually(lambda: len(stream.keys.made) >= 2 and stream.stream.is_connected)
        async with trading(simulator) as trader:
            valid = (await trader.signed("GET", "/api/v3/userDataStream")).json()["listenKey"]
        assert valid == [stream.keys.made[-1].get_secret_value()]


async def test_refused_channels_are_asked_for_again(simulator: Simulator) -> None:
    await simulator.arm("ws_refuse_subscription", count=4)

    async with following(simulator) as stream:
        assert stream.stream.is_connected


async def test_garbage_is_counted_and_the_next_push_is_read(simulator: Simulator, trader: Trader) -> None:
    async with following(simulator) as stream:
        await simulator.arm("ws_garbage_frame")
        await trader.buy(newClientOrderId=OURS)

        await eventually(lambda: stream.count("bad_frames_total", stream="private") == 1)
        await eventually(lambda: stream.seen.orders)


async def test_an_exchange_without_listen_keys_is_asked_again_until_it_has_them(simulator: Simulator) -> None:
    await simulator.arm("http_status", endpoint="POST /api/v3/userDataStream", status=404, count=3)

    async with following(simulator) as stream:
        assert len(stream.keys.made) == 1


async def test_a_connection_is_replaced_before_the_exchange_cuts_it(simulator: Simulator) -> None:
    async with following(simulator, rotate_seconds=0.2) as stream:
        await eventually(lambda: stream.count("rotations_total", stream="private") >= 2)
        assert stream.count("disconnects_total", stream="private") == 0


async def test_the_key_is_deleted_at_the_end(simulator: Simulator, trader: Trader) -> None:
    async with following(simulator):
        pass

    assert (await trader.signed("GET", "/api/v3/userDataStream")).json() == {"listenKey": []}


async def test_no_line_shows_a_listen_key(simulator: Simulator, lines: list[str]) -> None:
    async with following(simulator, keep_alive_seconds=0.1) as stream:
        await simulator.arm("ws_disconnect")
        await simulator.arm("ws_listen_keys_expire")
        await simulator.arm("ws_refuse_connection", count=3)
        await simulator.arm("api_error", endpoint="PUT /api/v3/userDataStream", code=1, message="no", count=2)
        await eventually(lambda: len(stream.keys.made) >= 3 and stream.stream.is_connected)
        keys = [each.get_secret_value() for each in stream.keys.made]

    assert lines
    assert [line for line in lines for key in keys if key in line] == []
