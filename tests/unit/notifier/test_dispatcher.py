"""Merging, retries and quiet hours, with addresses that fail as scripted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notifier.digest import Digest
from notifier.dispatcher import NoticeDispatcher, open_dispatcher
from notifier.metrics import Metrics
from notifier.notices import Kind, Notice, Severity
from notifier.rules import parse_quiet_hours
from notifier.settings import NotifierSettings
from shared.errors import TransientError
from tests.support.data.builders import NOON


class Address:
    def __init__(self, name: str = "here", failures: int = 0) -> None:
        self.name = name
        self.failures = failures
        self.attempts = 0
        self.taken: list[Digest] = []

    async def send(self, digest: Digest) -> None:
        self.attempts += 1
        if self.failures:
            self.failures -= 1
            raise TransientError(f"{self.name} did not take it")
        self.taken.append(digest)


@asynccontextmanager
async def a_desk(
    *addresses: Address, now: datetime = NOON, **settings: object
) -> AsyncIterator[tuple[NoticeDispatcher, Metrics]]:
    chosen = NotifierSettings.model_validate({"merge_seconds": 0.01, "retry_seconds": 0.001, **settings})
    metrics = Metrics()
    async with open_dispatcher(addresses, chosen, metrics, asyncio.Event(), now=lambda: now) as desk:
        yield desk, metrics


def a_notice(name: str, **overrides: object) -> Notice:
    described = {"id": name, "kind": Kind.EXIT, "severity": Severity.INFO, "title": name, "text": "", "at": NOON}
    return Notice(**{**described, **overrides})  # type: ignore[arg-type]


async def test_notices_of_a_burst_share_a_message() -> None:
    address = Address()

    async with a_desk(address) as (desk, _):
        await asyncio.gather(*(desk.take(a_notice(str(number))) for number in range(5)))

    assert [digest.count for digest in address.taken] == [5]


async def test_an_event_that_is_delivered_again_is_sent_once() -> None:
    address = Address()

    async with a_desk(address) as (desk, _):
        await desk.take(a_notice("same"))
        await desk.take(a_notice("same"))

    assert len(address.taken) == 1


async def test_a_message_is_tried_again_until_it_is_taken() -> None:
    address = Address(failures=3)

    async with a_desk(address) as (desk, _):
        await desk.take(a_notice("late"))
        assert desk.trouble() == ""

    assert [digest.title for digest in address.taken] == ["late"]


async def test_a_message_is_given_up_in_the_end_and_the_next_has_one_attempt_until_one_is_taken() -> None:
    address = Address(failures=4)

    async with a_desk(address, attempts_max=3) as (desk, _):
        await desk.take(a_notice("lost"))
        assert desk.trouble() == "here did not take it"
        await desk.take(a_notice("lost, too"))
        assert address.attempts == 4
        await desk.take(a_notice("arrives"))
        assert desk.trouble() == ""

    assert [digest.title for digest in address.taken] == ["arrives"]


async def test_an_address_that_fails_keeps_no_other_from_its_messages() -> None:
    good, bad = Address("good"), Address("bad", failures=100)

    async with a_desk(good, bad, attempts_max=2) as (desk, _):
        await desk.take(a_notice("news"))

    assert [digest.title for digest in good.taken] == ["news"]
    assert bad.attempts == 2


async def test_unwanted_notices_are_sent_to_nobody() -> None:
    address = Address()

    async with a_desk(address, rules="exit=warning") as (desk, _):
        await desk.take(a_notice("chatter"))

    assert address.taken == []


async def test_what_is_held_back_is_sent_in_one_message_when_the_quiet_ends() -> None:
    address = Address()
    hours = parse_quiet_hours("11:00-13:00", ZoneInfo("UTC"))
    clock = [NOON]
    settings = NotifierSettings.model_validate({"merge_seconds": 0.0, "quiet_hours": hours})

    async with open_dispatcher([address], settings, Metrics(), asyncio.Event(), now=lambda: clock[0]) as desk:
        await desk.take(a_notice("sold"))
        await desk.take(a_notice("sold, too"))
        await desk.take(a_notice("grave", severity=Severity.ERROR))
        assert [digest.title for digest in address.taken] == ["grave"]
        assert not desk.quiet_is_over()
        clock[0] += timedelta(hours=1)
        assert desk.quiet_is_over()
        await desk.send_held()

    assert [digest.title for digest in address.taken] == ["grave", "While it was quiet: 2 exit"]


async def test_a_stop_ends_the_attempts() -> None:
    address, stop = Address(failures=100), asyncio.Event()
    stop.set()
    settings = NotifierSettings.model_validate({"merge_seconds": 0.0, "retry_seconds": 30})

    async with asyncio.timeout(5), open_dispatcher([address], settings, Metrics(), stop, now=lambda: NOON) as desk:
        await desk.take(a_notice("lost"))

    assert address.attempts == 1


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_metrics_count_what_was_sent(seconds: float) -> None:
    async with a_desk(Address(), merge_seconds=seconds) as (desk, metrics):
        await desk.take(a_notice("one"))

    samples = {sample.name: sample.value for family in metrics.sent.collect() for sample in family.samples}
    assert samples["sniper_notifier_sent_total"] == 1
