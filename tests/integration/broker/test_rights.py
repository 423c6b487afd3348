"""Each user of the broker may do what its service does, and is refused everything else."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pika
import pytest
import structlog
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, ProbableAuthenticationError
from pydantic import SecretStr

from contract.broker_entries import READER_LIMITS
from shared.bus import rabbitmq
from shared.settings import BrokerSettings
from shared.wire import topology
from shared.wire.topology import PipelineEvent, to_message
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.builders import a_health, a_listing, a_raw_listing, a_trade
from tests.support.deployment.broker_users import Users, set_up
from tests.waiting import eventually

REFUSED = 403
Act: TypeAlias = Callable[[BlockingChannel], Any]


@pytest.fixture(scope="module")
def users(rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    with set_up(rabbitmq_server, tmp_path_factory.mktemp("passwords")) as users:
        yield users


def publish(exchange: str, routing_key: str) -> Act:
    def act(channel: BlockingChannel) -> None:
        channel.confirm_delivery()
        channel.basic_publish(exchange, routing_key, b"{}")

    return act


def consume(queue: str) -> Act:
    def act(channel: BlockingChannel) -> None:
        channel.basic_qos(prefetch_count=1)
        channel.basic_cancel(channel.basic_consume(queue, lambda *_: None))

    return act


def declare(queue: str, **arguments: str) -> Act:
    return lambda channel: channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"} | arguments)


def bind(queue: str, exchange: str, routing_key: str) -> Act:
    return lambda channel: channel.queue_bind(queue, exchange, routing_key)


def delete(queue: str) -> Act:
    return lambda channel: channel.queue_delete(queue)


def purge(queue: str) -> Act:
    return lambda channel: channel.queue_purge(queue)


def declare_exchange(name: str) -> Act:
    return lambda channel: channel.exchange_declare(name, "topic", durable=True)


def read(*, queue: str, exchange: str, routing_key: str) -> Act:
    def act(channel: BlockingChannel) -> None:
        declare(queue)(channel)
        bind(queue, exchange, routing_key)(channel)
        consume(queue)(channel)
        delete(queue)(channel)

    return act


RAW, EVENTS, DEAD, CANARY = (exchange.name for exchange in topology.EXCHANGES)
MAY = [
    ("ingest", publish(RAW, "raw.mexc_websocket")),
    ("ingest", publish(RAW, "raw.mexc_rest_api")),
    ("ingest", publish(EVENTS, "health.ingest")),
    ("ingest", publish(DEAD, "raw.mexc_websocket")),
    ("ingest", publish(CANARY, "canary.raw")),
    ("dedup", publish(CANARY, "canary.detected")),
    ("dedup", consume("dedup.raw")),
    ("dedup", publish(RAW, "raw.mexc_websocket")),
    ("dedup", publish(RAW, "raw.mexc_rest_api")),
    ("dedup", publish(EVENTS, "listing.detected")),
    ("dedup", publish(EVENTS, "listing.rescheduled")),
    ("dedup", publish(EVENTS, "health.dedup")),
    ("dedup", publish(DEAD, "dedup.raw")),
    ("executor", consume("executor.listings")),
    ("executor", consume("executor.openings")),
    ("executor", publish(EVENTS, "trade.dry-run.filled")),
    ("executor", publish(EVENTS, "trade.live.rejected")),
    ("executor", publish(EVENTS, "health.executor")),
    ("executor", publish(EVENTS, "health.exits")),
    ("executor", publish(DEAD, "executor.listings")),
    ("persister", consume("persister.listings")),
    ("persister", consume("persister.trades")),
    ("persister", consume("persister.health")),
    ("persister", publish(EVENTS, "health.persister")),
    ("persister", publish(DEAD, "persister.trades")),
    ("api", publish(RAW, "raw.test_injection")),
    ("api", publish(EVENTS, "health.api")),
    ("notifier", consume("notifier.events")),
    ("notifier", publish(EVENTS, "health.notifier")),
    ("reader", read(queue="reader.mine", exchange=EVENTS, routing_key="listing.*")),
    ("reader", read(queue="reader.mine", exchange=EVENTS, routing_key="trade.#")),
    ("replay", consume("sniper.archive")),
]
MAY += [("express", act) for user, act in MAY if user in {"ingest", "executor"}]
SERVICES = ("ingest", "dedup", "executor", "express", "persister", "api", "notifier")
MAY_NOT = [
    *((user, act) for user in (*SERVICES, "replay") for act in (declare("anything"), declare_exchange("anything"))),
    *((user, declare("reader.mine")) for user in (*SERVICES, "replay")),
    *((user, delete("dedup.raw")) for user in (*SERVICES, "reader", "replay")),
    *((user, publish("", "dedup.raw")) for user in (*SERVICES, "reader", "replay")),
    *((user, bind("dedup.raw", EVENTS, "#")) for user in (*SERVICES, "reader", "replay")),
    *((user, publish(EVENTS, "listing.detected")) for user in (*SERVICES, "reader", "replay") if user != "dedup"),
    *(
        (user, publish(EVENTS, "trade.live.filled"))
        for user in (*SERVICES, "reader", "replay")
        if user not in {"executor", "express"}
    ),
    *(
        (user, publish(RAW, "raw.mexc_websocket"))
        for user in (*SERVICES, "reader", "replay")
        if user not in {"ingest", "dedup", "express"}
    ),
    *((user, publish(EVENTS, "health.somebody")) for user in (*SERVICES, "reader", "replay")),
    *((user, consume("sniper.archive")) for user in (*SERVICES, "reader")),
    *((user, consume("sniper.dead")) for user in (*SERVICES, "reader", "replay")),
    *(
        (user, consume("executor.listings"))
        for user in (*SERVICES, "reader", "replay")
        if user not in {"executor", "express"}
    ),
    *(
        (user, publish(CANARY, "canary.raw"))
        for user in (*SERVICES, "reader", "replay")
        if user not in {"ingest", "express"}
    ),
    *((user, publish(CANARY, "canary.detected")) for user in (*SERVICES, "reader", "replay") if user != "dedup"),
    ("ingest", publish(RAW, "raw.test_injection")),
    ("dedup", publish(RAW, "raw.test_injection")),
    ("express", publish(RAW, "raw.test_injection")),
    ("express", publish(EVENTS, "health.dedup")),
    ("express", consume("dedup.raw")),
    ("api", publish(RAW, "raw.mexc_rest_api")),
    ("api", publish(DEAD, "dedup.raw")),
    ("reader", declare("dedup.mine")),
    ("reader", declare("reader.")),
    ("reader", declare("readers")),
    ("reader", declare("reader.mine", **{"x-dead-letter-exchange": EVENTS})),
    ("reader", purge("persister.trades")),
]


def carry_out(users: Users, user: str, act: Act) -> None:
    with pika.BlockingConnection(pika.URLParameters(users.url(user))) as connection:
        act(connection.channel())


@pytest.mark.parametrize(("user", "act"), MAY, ids=lambda value: value if isinstance(value, str) else "may")
def test_a_user_may_do_what_it_is_for(users: Users, user: str, act: Act) -> None:
    carry_out(users, user, act)


@pytest.mark.parametrize(("user", "act"), MAY_NOT, ids=lambda value: value if isinstance(value, str) else "may not")
def test_a_user_may_do_nothing_else(users: Users, user: str, act: Act) -> None:
    with pytest.raises(ChannelClosedByBroker) as refused:
        carry_out(users, user, act)

    assert refused.value.reply_code == REFUSED


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [(EVENTS, "health.*"), (EVENTS, "#"), (EVENTS, "*.*"), (RAW, "raw.#"), (DEAD, "#"), (CANARY, "#")],
)
def test_a_reader_sees_only_listings_and_trades(users: Users, exchange: str, routing_key: str) -> None:
    carry_out(users, "reader", declare("reader.curious"))

    with pytest.raises(ChannelClosedByBroker) as refused:
        carry_out(users, "reader", bind("reader.curious", exchange, routing_key))

    assert refused.value.reply_code == REFUSED
    carry_out(users, "reader", delete("reader.curious"))


async def test_a_readers_queue_has_limits_whoever_made_it(users: Users) -> None:
    carry_out(users, "reader", declare("reader.forgotten"))

    def limits() -> Any:
        with users.server.management() as api:
            found = api.get(f"/api/queues/{users.vhost}/reader.forgotten").raise_for_status().json()
        return found["effective_policy_definition"]

    assert await eventually(limits, every_seconds=0.2) == READER_LIMITS


def test_a_user_without_a_password_cannot_sign_in(users: Users, tmp_path: Path) -> None:
    with set_up(users.server, tmp_path, passwords=False) as others:
        for password in ("", "guest"):
            parameters = pika.URLParameters(others.url("reader"))
            parameters.credentials = pika.PlainCredentials(f"{others.prefix}reader", password)
            with pytest.raises(ProbableAuthenticationError):
                pika.BlockingConnection(parameters)


EVENT_OF: Mapping[str, PipelineEvent] = {
    "ingest": a_raw_listing(),
    "dedup": a_listing(),
    "executor": a_trade(),
    "express": a_raw_listing(),
    "persister": a_health(component="persister"),
    "api": a_raw_listing(source="test_injection"),
    "notifier": a_health(component="notifier"),
}


@pytest.mark.parametrize("user", SERVICES)
async def test_the_bus_of_a_service_runs_on_what_its_operator_has_made(users: Users, user: str) -> None:
    settings = BrokerSettings(url=SecretStr(users.url(user)))
    whole = topology.NOTIFYING if user == "notifier" else topology.SNIPER

    async with rabbitmq.connect(settings, whole, name=user) as bus:
        await eventually(bus.is_connected, within_seconds=30)
        await bus.publish(to_message(EVENT_OF[user]))


@pytest.mark.parametrize(("kind", "name"), [("queues", "dedup.raw"), ("exchanges", "sniper.raw")])
async def test_a_service_says_what_is_missing_that_it_may_not_make(
    rabbitmq_server: RabbitMQServer, tmp_path: Path, kind: str, name: str
) -> None:
    reasons: list[str] = []

    def is_said() -> bool:
        reasons.extend(str(line["reason"]) for line in logs if line["event"] == "broker away, trying on")
        return bool(reasons)

    with set_up(rabbitmq_server, tmp_path, left_out={kind: name}) as users, structlog.testing.capture_logs() as logs:
        settings = BrokerSettings(url=SecretStr(users.url("dedup")))
        async with rabbitmq.connect(settings, topology.SNIPER, name="dedup"):
            await eventually(is_said, within_seconds=30)

    assert f"missing on the broker, where our user may not make it: {kind[:-1]} {name};" in reasons[0]


async def test_a_service_runs_without_the_exchange_of_the_canary(
    rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    left_out = {"exchanges": topology.CANARY.name}
    with set_up(rabbitmq_server, tmp_path, left_out=left_out) as users, structlog.testing.capture_logs() as logs:
        settings = BrokerSettings(url=SecretStr(users.url("dedup")))
        async with rabbitmq.connect(settings, topology.SNIPER, name="dedup") as bus:
            await eventually(bus.is_connected, within_seconds=30)
            await bus.publish(to_message(EVENT_OF["dedup"]))

    warned = [line.get("exchange") for line in logs if line["log_level"] == "warning"]
    assert topology.CANARY.name in warned
