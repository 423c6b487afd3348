"""Announcements are published for people, whatever they say, and reach no decision."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ingest.polling.announcements import assets_in, listings_among
from shared.events import utc_now
from shared.mexc.announcement_payloads import Notice
from tests.support.data.builders import NOON
from tests.support.fakes.loopback import Behaviour, answering, reply, serving
from tests.support.running.polls import Polls, polling
from tests.support.running.simulators import simulator_in_this_process
from tests.waiting import eventually


def a_notice(title: Any, posted_ms: Any) -> dict[str, Any]:
    return {"title": title, "url": "https://www.mexc.com/announcements/1", "language": "en-US", "postTime": posted_ms}


def answer(*notices: Any) -> Behaviour:
    body = {"code": 0, "data": [{"details": list(notices), "totalPage": "1"}], "msg": ""}
    return answering(reply(json.dumps(body).encode()))


@asynccontextmanager
async def reading(behave: Behaviour) -> AsyncIterator[Polls]:
    """Poll a server that answers every request so."""
    async with serving(behave) as server, polling(server.url, announcements_seconds=1) as polls:
        yield polls


def announced_at(polls: Polls) -> float:
    return polls.sample("listing_announced_at_seconds")


async def test_newest_announced_listing_is_told_and_reported_as_nothing() -> None:
    async with simulator_in_this_process() as simulator:
        await simulator.list_coin("SOONUSDT", opens_in=3600)
        async with polling(simulator.rest_url, calendar_seconds=86_400) as polls:
            await eventually(lambda: announced_at(polls) > 0)

    assert abs(announced_at(polls) - utc_now().timestamp()) < 60


async def test_odd_entries_and_other_news_cost_nothing_but_themselves() -> None:
    odd = [None, 7, {}, a_notice(None, 9_000), a_notice("Will List Foo (FOO)", None), a_notice(["Listing"], 9_000)]
    other = [a_notice("Delisting of Foo (FOO)", 8_000_000), a_notice("Listing fees change", 9_000_000)]
    async with reading(answer(*odd, *other, a_notice("Initial Listing: Foo (FOO)", 7_000_000))) as polls:
        await eventually(lambda: announced_at(polls) > 0)

    assert announced_at(polls) == 7_000
    assert polls.evidence == []


@pytest.mark.parametrize("body", [b'{"code":0,"data":null}', b"<html>", b'{"code":0,"data":[{"details":[]}]}'])
async def test_answer_without_announcements_tells_nothing_and_degrades_nobody(body: bytes) -> None:
    async with reading(answering(reply(body))) as polls:
        await eventually(lambda: _asked(polls))

    assert announced_at(polls) == 0
    assert [feed.optional for feed in polls.feeds if feed.name == "announcements"] == [True]


@pytest.mark.parametrize(
    ("title", "assets"),
    [
        ("MEXC Will List Foo (FOO) in the Innovation Zone", ["FOO"]),
        ("Initial Listing: Foo (FOO) and Bar (1BAR)", ["FOO", "1BAR"]),
        ("Delisting of Foo (FOO)", None),
        ("Foo (FOO) Blacklisted", None),
        ("Listing of something (soon)", None),
    ],
)
def test_listing_is_what_says_so_and_names_what(title: str, assets: Sequence[str] | None) -> None:
    listings = listings_among([Notice(title, NOON)])

    assert [assets_in(notice.title) for notice in listings] == ([] if assets is None else [assets])


def _asked(polls: Polls) -> bool:
    answered = any(feed.is_known() for feed in polls.feeds if feed.name == "announcements")
    return answered or any(
        polls.sample("rest_errors_total", endpoint="announcements", error=error) > 0
        for error in ("ExchangeUnavailable", "ExchangeRejected")
    )
