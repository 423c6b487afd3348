"""The servers that the processes of a run share: started once, offered to each process, gone with the run."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

import asyncpg
import pytest

from tests.servers.choice import ServerUnavailableError
from tests.servers.shared import offered, shared_postgres, shared_rabbitmq


async def test_all_who_ask_at_once_are_told_of_one_server_which_ends_with_the_run() -> None:
    with offered() as asked_at:
        first, second = await asyncio.gather(
            asyncio.to_thread(shared_postgres, asked_at, {}), asyncio.to_thread(shared_postgres, asked_at, {})
        )
        assert first is not None
        assert second is not None
        connection = await asyncpg.connect(first.url)
        answer = await connection.fetchval("SELECT 7")
        await connection.close()

    assert (first.url, answer) == (second.url, 7)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await asyncpg.connect(first.url)


def test_a_server_that_cannot_be_started_is_told_to_everybody_in_the_same_words() -> None:
    tries: list[str] = []

    def fails(_: ExitStack) -> Mapping[str, str]:
        tries.append("rabbitmq")
        error = ServerUnavailableError("RabbitMQ ended while starting.")
        error.add_note("no space left")
        raise error

    with offered({"rabbitmq": fails}) as asked_at:
        for _ in range(2):
            with pytest.raises(ServerUnavailableError, match=r"^RabbitMQ ended while starting\.\nno space left$"):
                shared_rabbitmq(asked_at, {})

    assert tries == ["rabbitmq"]


def test_servers_that_the_environment_names_are_not_shared() -> None:
    named = {"SNIPER_TEST_DATABASE_URL": "postgresql://else/where", "SNIPER_TEST_BROKER_URL": "amqp://elsewhere"}

    with offered({}) as asked_at:
        assert shared_postgres(asked_at, named) is None
        assert shared_rabbitmq(asked_at, named) is None
