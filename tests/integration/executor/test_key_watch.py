"""What is known of the API key, from the simulated exchange's answers."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

from pydantic import SecretStr

from executor.supervision.api_key_watch import ApiKeyWatch
from shared.events import Health, utc_now
from shared.mexc.http.request import RestLimits
from shared.mexc.http.signed_request import Signing
from shared.mexc.http.signing import Signer
from shared.mexc.orders.account import connect_account
from shared.mexc.orders.api_key import KeyTerms
from shared.settings import ExchangeSettings
from shared.wire.topology import PERSISTER_HEALTH
from tests.support.fakes.loopback import answering, reply, serving
from tests.support.running.services import emptying
from tests.support.running.simulators import running_simulator
from tests.support.running.trading import an_unused_url, executor
from tests.waiting import eventually


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MADE = KeyTerms(date(2026, 3, 1))


@asynccontextmanager
async def watching(
    url: str, secret: str = "sim-secret", terms: KeyTerms = MADE
) -> AsyncIterator[tuple[ApiKeyWatch, Any]]:
    alarms: dict[str, str] = {}
    signing = Signing(Signer("sim-key", secret), wall_ms, 5000)
    async with connect_account(url, signing, RestLimits()) as account:
        yield ApiKeyWatch(account, terms, alarms.__setitem__, now=lambda: NOON), alarms


async def test_the_exchange_tells_what_a_key_may_do_and_the_operator_how_old_it_is() -> None:
    async with running_simulator(key_may_withdraw=True) as simulator, watching(simulator.rest_url) as (watch, alarms):
        await watch.look()

    assert watch.fact() == {
        "can_trade": True,
        "can_withdraw": True,
        "permissions": ["SPOT"],
        "accepted_at": "2026-03-02T12:00:00+00:00",
        "created_on": "2026-03-01",
        "expires_on": "2026-05-30",
        "ip_bound": False,
        "failings": [],
        "risks": ["the API key may withdraw: trading takes no such right"],
    }
    assert alarms == {"api key": ""}


async def test_a_key_that_is_refused_is_an_alarm_with_the_exchanges_word() -> None:
    async with running_simulator() as simulator, watching(simulator.rest_url, "another") as (watch, alarms):
        await watch.look()

    assert alarms["api key"].startswith("the exchange refuses the API key: 700002")


async def test_what_looks_like_a_signature_in_the_exchanges_word_is_hidden() -> None:
    word = "no: timestamp=1&signature=0123456789abcdef0123456789abcdef"
    body = json.dumps({"code": 700002, "msg": word}).encode()
    async with (
        serving(answering(reply(body, status="400 Bad Request"))) as server,
        watching(server.url) as (watch, alarms),
    ):
        await watch.look()

    assert alarms["api key"].startswith("the exchange refuses the API key: 700002")
    assert "0123456789abcdef" not in alarms["api key"]


async def test_an_exchange_that_is_away_says_nothing_about_the_key() -> None:
    async with running_simulator() as simulator, watching(simulator.rest_url) as (watch, _):
        await watch.look()
        known = watch.fact()
        async with watching(an_unused_url()) as (other, alarms):
            await other.look()

    assert other.fact() != known
    assert alarms == {"api key": ""}


async def test_rights_that_are_left_out_or_odd_are_not_told() -> None:
    body = json.dumps({"balances": [], "canTrade": "yes", "permissions": None}).encode()
    async with serving(answering(reply(body))) as server, watching(server.url) as (watch, alarms):
        await watch.look()
        told = watch.fact()

    assert isinstance(told, dict)
    assert (told["can_trade"], told["can_withdraw"], told["permissions"]) == (None, None, [])
    assert alarms == {"api key": ""}


async def test_the_executor_tells_of_its_key_beside_its_health(database_url: str, broker_url: str) -> None:
    async with running_simulator(key_may_trade=False) as simulator:
        venue = ExchangeSettings(
            mexc_rest_url=simulator.rest_url,
            mexc_api_key=SecretStr("sim-key"),
            mexc_api_secret=SecretStr("sim-secret"),
            mexc_api_key_created=utc_now().date(),
        )
        async with (
            executor(database_url, broker_url, venue) as trading,
            emptying(trading.runtime.bus, PERSISTER_HEALTH) as told,
        ):

            def failing() -> Health | None:
                reports = (each for each in told.events if isinstance(each, Health) and each.component == "executor")
                return next((each for each in reports if each.detail == "the API key may not trade"), None)

            report = await eventually(failing)
    assert report is not None
    key = report.facts["api_key"]

    assert isinstance(key, dict)
    assert (key["can_trade"], key["created_on"]) == (False, utc_now().date().isoformat())
