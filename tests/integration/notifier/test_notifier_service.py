"""The notifier on a real broker and a real database, with servers of each protocol's shape in place of the services."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import apprise.plugins.discord
import apprise.plugins.slack
import apprise.plugins.telegram
import pytest

from api.operator import close_requests, trade_config
from api.reading.health import NO_SELLER
from cli.composing.telegram_operations import DatabaseOperations
from notifier.service import serve
from notifier.settings import NotifierSettings
from shared.bus import rabbitmq
from shared.bus.port import Message
from shared.events import HealthStatus, utc_now
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import BrokerSettings
from shared.wire.topology import NOTIFIER_EVENTS, NOTIFYING, to_message
from tests.support.data import rows
from tests.support.data.builders import a_health, a_listing, a_trade
from tests.support.fakes.inboxes import Inbox, http_inbox, mail_inbox
from tests.support.running.services import open_database, serving
from tests.waiting import eventually

USER, STRANGER = 42, 43
TOKEN = "123456789:AAbbccddeeffgghhiijjkkllmmnnooppqqr"
QUICK = {"merge_seconds": 0.05, "throttle_seconds": 0, "retry_seconds": 0.05, "telegram_poll_seconds": 1}


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """An inbox in place of those services whose host Apprise does not let one choose."""
    with http_inbox() as inbox:
        monkeypatch.setattr(apprise.plugins.telegram.NotifyTelegram, "notify_url", f"{inbox.url}/bot")
        monkeypatch.setattr(apprise.plugins.discord.NotifyDiscord, "notify_url", f"{inbox.url}/discord")
        monkeypatch.setattr(apprise.plugins.slack.NotifySlack, "webhook_url", f"{inbox.url}/slack")
        yield inbox


@pytest.fixture
async def runtime(database_url: str, broker_url: str) -> AsyncIterator[Runtime]:
    settings = BrokerSettings.model_validate({"url": broker_url})
    async with (
        open_database(database_url) as database,
        rabbitmq.connect(settings, NOTIFYING, name="notifier under test") as bus,
    ):
        await eventually(bus.is_connected)
        yield Runtime(bus, database, Telemetry(), asyncio.Event())


@asynccontextmanager
async def notifying(runtime: Runtime, **settings: Any) -> AsyncIterator[None]:
    chosen = NotifierSettings.model_validate({**QUICK, **settings})
    operations = DatabaseOperations(runtime.database)
    async with serving(runtime, lambda own: serve(own, chosen, operations)):
        yield


def address(inbox: Inbox, service: str) -> str:
    host = inbox.url.removeprefix("http://")
    return {
        "telegram": f"tgram://{TOKEN}/12345/",
        "discord": "discord://1234567890/abcdefghijklmnop",
        "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#news",
        "ntfy": f"ntfy://{host}/news",
        "matrix": f"matrix://{host}/webhooktoken?mode=hookshot",
        "json": f"json://{host}/hook",
    }[service]


@pytest.mark.parametrize("service", ["telegram", "discord", "slack", "ntfy", "matrix", "json"])
async def test_an_exit_reaches_each_service(runtime: Runtime, inbox: Inbox, service: str) -> None:
    async with notifying(runtime, urls=address(inbox, service)):
        await runtime.bus.publish(to_message(a_trade(side="SELL", exit_reason="take_profit")))
        await eventually(lambda: any("Sold: ABCUSDT (take profit)" in text for text in inbox.texts()))


async def test_an_exit_reaches_a_room_of_matrix_by_its_own_protocol(runtime: Runtime, inbox: Inbox) -> None:
    """The client-server API (v3): sign in with a password, join the room by its alias, send an event."""
    inbox.answers = {
        "login": {"access_token": "t0ken", "user_id": "@bot:home.example", "device_id": "D1"},
        "%23news%3Ahome.example": {"room_id": "!room:home.example"},
    }
    url = f"matrix://bot:passw0rd@{inbox.url.removeprefix('http://')}/%23news:home.example?e2ee=no"

    async with notifying(runtime, urls=url):
        await runtime.bus.publish(to_message(a_trade(side="SELL", exit_reason="take_profit")))
        await eventually(lambda: any("/send/" in path for path, _ in inbox.received))

    (login, signed_in), (join, _), (send, event) = inbox.received[:3]
    assert (login, join) == ("/_matrix/client/v3/login", "/_matrix/client/v3/join/%23news%3Ahome.example")
    assert (signed_in["identifier"]["user"], signed_in["password"]) == ("bot", "passw0rd")
    assert send.startswith("/_matrix/client/v3/rooms/%21room%3Ahome.example/send/m.room.message/")
    assert event["msgtype"] == "m.text"
    assert "Sold: ABCUSDT (take profit)" in event["body"]


async def test_an_exit_reaches_a_mailbox(runtime: Runtime) -> None:
    async with mail_inbox() as (port, messages):
        url = f"mailto://127.0.0.1:{port}/?from=sniper@example.org&to=me@example.org&mode=insecure"
        async with notifying(runtime, urls=url):
            await runtime.bus.publish(to_message(a_trade()))
            await eventually(lambda: any("Bought" in message for message in messages))


@pytest.mark.parametrize("status", [500, 429])
async def test_a_service_that_refuses_is_tried_again(runtime: Runtime, inbox: Inbox, status: int) -> None:
    inbox.statuses = [status, status]

    async with notifying(runtime, urls=address(inbox, "json")):
        await runtime.bus.publish(to_message(a_listing()))
        await eventually(lambda: any("Listed: ABCUSDT" in text for text in inbox.texts()))

    assert inbox.statuses == []


async def test_a_burst_shares_a_message_and_a_duplicate_adds_nothing(runtime: Runtime, inbox: Inbox) -> None:
    trades = [a_trade(symbol=f"COIN{number}USDT") for number in range(10)]

    async with notifying(runtime, urls=address(inbox, "json"), merge_seconds=0.5):
        await asyncio.gather(*(runtime.bus.publish(to_message(trade)) for trade in [*trades, *trades]))
        await eventually(lambda: all(any(t.symbol in text for text in inbox.texts()) for t in trades))

    assert len(inbox.received) < len(trades)
    assert sum(text.count("COIN3USDT") for text in inbox.texts()) == 1


async def test_what_cannot_be_read_is_left_and_the_next_is_sent(runtime: Runtime, inbox: Inbox) -> None:
    good = to_message(a_trade())
    bad = Message(good.exchange, good.routing_key, b"nonsense", "x")

    async with notifying(runtime, urls=address(inbox, "json")):
        await runtime.bus.publish(bad)
        await runtime.bus.publish(good)
        await eventually(lambda: any("Bought" in text for text in inbox.texts()))


async def test_a_component_that_degrades_and_a_halt_are_told(runtime: Runtime, inbox: Inbox) -> None:
    async with notifying(runtime, urls=address(inbox, "json")):
        degraded = a_health(component="ingest", status=HealthStatus.DEGRADED, detail="blind", sent_at=utc_now())
        await runtime.bus.publish(to_message(degraded))
        await DatabaseOperations(runtime.database).halt("a test")
        await eventually(lambda: any("ingest is degraded" in text for text in inbox.texts()))
        await eventually(lambda: any("Halted: purchases; exits" in text for text in inbox.texts()))


async def test_a_component_that_falls_silent_is_told(runtime: Runtime, inbox: Inbox) -> None:
    async with notifying(runtime, urls=address(inbox, "json")):
        spoke = a_health(component="dedup", sent_at=utc_now() - timedelta(seconds=30))
        await runtime.bus.publish(to_message(spoke))
        await eventually(lambda: any("dedup is silent" in text for text in inbox.texts()))


async def test_an_address_that_takes_nothing_degrades_the_notifier(runtime: Runtime, inbox: Inbox) -> None:
    inbox.statuses = [500] * 50

    async with notifying(runtime, urls=address(inbox, "json"), attempts_max=2):
        await runtime.bus.publish(to_message(a_trade()))
        await eventually(lambda: len(inbox.statuses) <= 48)
        shown = runtime.telemetry.registry.get_sample_value
        await eventually(lambda: shown("sniper_notifier_given_up_total") == 1)


def test_nothing_waits_in_its_queue_for_longer_than_ten_minutes() -> None:
    assert NOTIFIER_EVENTS.time_to_live == timedelta(minutes=10)
    assert not NOTIFIER_EVENTS.dead_letters


class Telegram:
    """Updates that are waiting, given out from the offset on as the Bot API does."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._updates: list[Any] = []
        self._ids = itertools.count(1000)
        inbox.answers["getUpdates"] = self._given_out

    def sends(self, text: str, *, user: int = USER, seconds_ago: float = 0) -> None:
        date = int(utc_now().timestamp() - seconds_ago)
        message = {"message_id": 1, "date": date, "chat": {"id": user}, "from": {"id": user}, "text": text}
        self._updates.append({"update_id": next(self._ids), "message": message})

    def sends_garbage(self) -> None:
        self._updates.append({"update_id": next(self._ids), "message": {"text": 7}})

    def answers(self) -> list[str]:
        return [body["text"] for path, body in self._inbox.received if path.endswith("sendMessage")]

    def _given_out(self, body: Any) -> Any:
        self._updates = [each for each in self._updates if each["update_id"] >= body["offset"]]
        return {"ok": True, "result": self._updates}


@pytest.fixture
def telegram(inbox: Inbox) -> Telegram:
    return Telegram(inbox)


def commanding(inbox: Inbox) -> dict[str, Any]:
    return {"telegram_token": TOKEN, "telegram_users": frozenset({USER}), "telegram_url": inbox.url}


async def test_the_status_by_telegram_names_the_mode_that_a_halt_is_of(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.engine.begin() as connection:
            await rows.store(connection, "halts", mode="dry-run")
        await trade_config.halt(database, "a drill", changed_by="test")
        lines = (await DatabaseOperations(database).status()).splitlines()

    assert [line for line in lines if line.startswith("halted")] == [
        "halted (dry-run alone): failures: 5 orders in a row failed",
        "halted: operator: a drill",
    ]


async def test_a_sale_by_telegram_is_said_to_wait_while_sales_are_halted(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.engine.begin() as connection:
            await rows.store(connection, "positions")
            await rows.store(connection, "bot_health", component_name="exits", status="stopped")
        await trade_config.halt(database, "a drill", changed_by="test", exits=True)
        answer = await DatabaseOperations(database).close("ABCUSDT", "telegram:1")

    assert answer == f"ABCUSDT:1 (live): the executor is asked to sell it; {close_requests.HALTED}; {NO_SELLER}"


async def test_a_halt_by_telegram_is_recorded_with_who_asked(
    runtime: Runtime, inbox: Inbox, telegram: Telegram
) -> None:
    telegram.sends_garbage()
    telegram.sends("/halt")
    telegram.sends("/status")

    async with notifying(runtime, **commanding(inbox)):
        await eventually(lambda: len(telegram.answers()) == 2)

    assert "purchases are halted; exits still run" in telegram.answers()[0]
    assert "halted: operator: halted by Telegram" in telegram.answers()[1]
    async with runtime.database.connection() as connection:
        changed_by = await connection.fetchval("SELECT changed_by FROM trade_config_audit ORDER BY id DESC LIMIT 1")
    assert changed_by == f"telegram:{USER}"


async def test_a_stranger_and_a_command_of_yesterday_do_nothing(
    runtime: Runtime, inbox: Inbox, telegram: Telegram
) -> None:
    telegram.sends("/halt", user=STRANGER)
    telegram.sends("/halt", seconds_ago=3600)
    telegram.sends("/positions")

    async with notifying(runtime, **commanding(inbox)):
        await eventually(lambda: len(telegram.answers()) == 2)

    assert "too old" in telegram.answers()[0]
    assert telegram.answers()[1] == "nothing is held"
    async with runtime.database.connection() as connection:
        assert not await connection.fetchval("SELECT halted FROM trade_config")


async def test_commands_come_through_once_telegram_answers_again(
    runtime: Runtime, inbox: Inbox, telegram: Telegram
) -> None:
    inbox.statuses = [502]
    telegram.sends("/positions")

    async with notifying(runtime, **commanding(inbox)):
        await eventually(telegram.answers)


async def test_an_answer_that_telegram_refuses_ends_nothing_and_repeats_no_command(
    runtime: Runtime, inbox: Inbox, telegram: Telegram
) -> None:
    inbox.refused["sendMessage"] = 2
    for command in ("/halt", "/status", "/positions"):
        telegram.sends(command)

    for _ in range(2):  # The notifier, and its next start.
        async with notifying(replace(runtime, telemetry=Telemetry()), **commanding(inbox)):
            await eventually(lambda: telegram.answers() == ["nothing is held"])

    async with runtime.database.connection() as connection:
        halts = await connection.fetchval("SELECT count(*) FROM trade_config_audit WHERE changed_by LIKE 'telegram:%'")
    assert halts == 1


async def test_a_command_is_confirmed_before_it_is_carried_out(
    runtime: Runtime, inbox: Inbox, telegram: Telegram
) -> None:
    telegram.sends("/positions")

    async with notifying(runtime, **commanding(inbox)):
        await eventually(telegram.answers)

    asked = [path.rpartition("/")[2] for path, _ in inbox.received if path.endswith(("getUpdates", "sendMessage"))]
    assert asked[:3] == ["getUpdates", "getUpdates", "sendMessage"]
