"""Refusals of a broker, in words that name the remedy."""

import asyncio
import json
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from shared.bus import rabbitmq
from shared.bus.port import Message
from shared.errors import TransientError
from shared.settings import BrokerSettings
from shared.wire import topology
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.processes import sniper
from tests.waiting import eventually

CANARY = "c4n4ry"


async def complaint(url: str) -> str:
    """Why a bus at *url* does not come up, as it is logged."""
    settings = BrokerSettings(url=SecretStr(url))
    reasons: list[str] = []

    async def is_said() -> bool:
        reasons.extend(str(line["reason"]) for line in logs if line["event"] == "broker away, trying on")
        return bool(reasons)

    with structlog.testing.capture_logs() as logs:
        async with rabbitmq.connect(settings, topology.SNIPER, name="test"):
            await eventually(is_said)
    return reasons[0]


async def test_a_virtual_host_that_is_gone_is_named_as_that(broker_url: str) -> None:
    reason = await complaint(f"{broker_url}-gone")

    assert reason.startswith("broker away: the broker refuses the virtual host, which is gone, ")
    assert "Expected one of" not in reason


async def test_a_wrong_password_of_the_broker_is_named_and_not_shown(broker_url: str) -> None:
    url = make_url(broker_url).set(password=CANARY).render_as_string(hide_password=False)

    reason = await complaint(url)

    assert reason.startswith("broker away: the user or the password is wrong: correct SNIPER_BROKER_URL")
    assert CANARY not in reason


async def test_a_port_that_speaks_something_else_is_named_as_that() -> None:
    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak_http, "127.0.0.1", 0)
    async with server:
        reason = await complaint(f"amqp://u:{CANARY}@127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    assert "speaks no AMQP" in reason
    assert CANARY not in reason


async def test_a_queue_that_is_full_is_named_as_that(broker_url: str, rabbitmq_server: RabbitMQServer) -> None:
    vhost = str(make_url(broker_url).database)
    full = {"durable": True, "arguments": {"x-max-length": 0, "x-overflow": "reject-publish"}}
    with rabbitmq_server.management() as api:
        for path, body in (
            (f"/api/exchanges/{vhost}/t.full", {"type": "fanout", "durable": True}),
            (f"/api/queues/{vhost}/t.full", full),
        ):
            api.put(path, json=body).raise_for_status()
        api.post(f"/api/bindings/{vhost}/e/t.full/q/t.full", json={}).raise_for_status()
    async with rabbitmq.connect(BrokerSettings(url=SecretStr(broker_url)), topology.SNIPER, name="test") as bus:
        with pytest.raises(TransientError, match=r"^broker away: a queue is full or could not store the message"):
            await bus.publish(Message("t.full", "", b"{}", "1"))


async def test_a_process_whose_virtual_host_is_deleted_beneath_it_logs_sentences_and_no_traceback(
    database_url: str, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    vhost = rabbitmq_server.create_vhost()
    environment = {
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_BROKER_URL": rabbitmq_server.url_for(vhost),
        "SNIPER_LOG_FORMAT": "json",
    }
    async with sniper("run", "persister", environment=environment, directory=tmp_path) as running:
        await running.ready()
        rabbitmq_server.delete_vhost(vhost)
        await eventually(lambda: "the broker refuses the virtual host" in running.log.read_text(), within_seconds=20)
        assert await running.stop() == 0

    said = running.log.read_text()
    assert "Traceback" not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert any(line.get("library", "").startswith("aiormq") for line in lines)
