"""Every command of the page on the API, as it stands there, against an API that is served."""

import re
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

import httpx
import pytest

from api.app import REFUSALS
from tests.support.data import rows
from tests.support.running.api_document import document, operations_of
from tests.support.running.serving_api import ServedApi, serving_api

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Command:
    """One call of curl, and what it is answered with where that is no success."""

    line: str
    status: int | None

    def request(self, client: httpx.AsyncClient, variables: Mapping[str, str]) -> httpx.Request:
        """Return what curl would send."""
        words = iter(shlex.split(Template(self.line).substitute(variables)))
        assert next(words) == "curl"
        method, url, content, headers = "", "", None, dict[str, str]()
        for word in words:
            match word:
                case "-s" | "-N" | "-i":
                    pass
                case "-X":
                    method = next(words)
                case "-H":
                    name, _, value = next(words).partition(": ")
                    headers[name] = value
                case "-d":
                    content = next(words)
                case "-o":
                    next(words)
                case _:
                    assert word.startswith("http"), word
                    url = word
        return client.build_request(method or "GET", url, headers=headers, content=content)


def commands() -> Iterator[Command]:
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            command, _, status = line.partition("   # ")
            yield Command(command, int(status) if status else None)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        async with served.database.engine.begin() as connection:
            for table in ("listings", "trades", "orders", "positions"):
                await rows.store(connection, table)
            for number in range(3):
                await rows.store(connection, "listings", symbol=f"DEF{number}USDT", listing_key=f"DEF{number}USDT:1")
        yield served


async def test_every_command_is_answered_as_the_page_says(api: ServedApi) -> None:
    client = api.client
    variables = {
        "SNIPER": str(client.base_url).rstrip("/"),
        "TOKEN": client.headers["Authorization"].split()[1],
        "NEXT": (await client.get("/listings", params={"limit": 2})).json()["next"],
        "ETAG": (await client.get("/config")).headers["etag"].replace('"', '\\"'),
    }

    answers = {}
    async with api.stranger() as stranger:
        for command in commands():
            answer = await stranger.send(command.request(stranger, variables), stream=True)
            answers[command] = answer.status_code
            if not answer.headers["content-type"].startswith("text/event-stream"):
                await answer.aread()
            await answer.aclose()

    assert len(answers) > 25
    wrong = {
        command.line: status
        for command, status in answers.items()
        if (status >= 300 if command.status is None else status != command.status)
    }
    assert wrong == {}


async def test_the_refusal_on_the_page_is_the_one_that_is_answered(api: ServedApi) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)

    answer = await api.client.get("/listings", params={"limit": 0, "sauce": 1})

    assert httpx.Response(200, text=shown).json() == answer.json()


def test_the_page_names_every_call_and_every_refusal() -> None:
    named = TEXT.replace("{id}", "{position_id}")

    assert [str(each) for each in operations_of(document()) if each.path not in named] == []
    assert [status for status in REFUSALS if f"{status}" not in TEXT] == []
