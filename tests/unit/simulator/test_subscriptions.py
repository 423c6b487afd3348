"""Control frames are answered exactly like MEXC, whose refusals have code 0 too."""

import json
from typing import Any

import pytest

from simulator.stream.channels import Feed, parse
from simulator.stream.subscriptions import Subscriptions

TICKERS = "spot@public.miniTickers.v3.api.pb@UTC+8"
DEALS = "spot@public.aggre.deals.v3.api.pb@10ms@BTCUSDT"


def subscriptions(*, limit: int = 30, refusing: bool = False) -> Subscriptions:
    return Subscriptions(limit, lambda: refusing)


def ask(target: Subscriptions, method: str, *params: str, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(target.answer(json.dumps({"method": method, "params": params, **fields})))
    return answer


def test_accepted_channels_are_echoed_with_the_id() -> None:
    target = subscriptions()

    assert ask(target, "SUBSCRIPTION", TICKERS, DEALS, id=7) == {"id": 7, "code": 0, "msg": f"{TICKERS},{DEALS}"}
    assert list(target.channels) == [TICKERS, DEALS]


def test_unknown_channel_is_blocked_with_code_0() -> None:
    target = subscriptions()
    channel = "spot@public.miniTickers.v3.api@UTC+8"

    answer = ask(target, "SUBSCRIPTION", channel)

    assert answer == {
        "id": 0,
        "code": 0,
        "msg": f"Not Subscribed successfully! [{channel}].  Reason： Blocked! ",
    }
    assert target.channels == {}


def test_fault_refuses_a_good_channel() -> None:
    assert "Blocked!" in ask(subscriptions(refusing=True), "SUBSCRIPTION", TICKERS)["msg"]


def test_channels_beyond_the_limit_are_blocked() -> None:
    target = subscriptions(limit=1)
    ask(target, "SUBSCRIPTION", TICKERS)

    assert f"[{DEALS}]" in ask(target, "SUBSCRIPTION", DEALS)["msg"]
    assert ask(target, "SUBSCRIPTION", TICKERS)["msg"] == TICKERS


def test_unsubscribing_makes_room() -> None:
    target = subscriptions(limit=1)
    ask(target, "SUBSCRIPTION", TICKERS)

    assert ask(target, "UNSUBSCRIPTION", TICKERS)["msg"] == TICKERS
    assert ask(target, "SUBSCRIPTION", DEALS)["msg"] == DEALS


@pytest.mark.parametrize("method", ["PING", "ping"])
def test_ping_in_either_case_is_answered(method: str) -> None:
    assert ask(subscriptions(), method) == {"id": 0, "code": 0, "msg": "PONG"}


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"method":1}', '{"method":"DANCE"}'])
def test_nonsense_is_answered_and_changes_nothing(text: str) -> None:
    target = subscriptions()

    assert json.loads(target.answer(text))["msg"] == "msg format invalid"
    assert target.channels == {}


@pytest.mark.parametrize(
    ("name", "feed", "symbol", "interval_ms"),
    [
        (TICKERS, Feed.MINI_TICKERS, None, None),
        ("spot@public.miniTickers.v3.api.pb@24H", Feed.MINI_TICKERS, None, None),
        ("spot@public.miniTickers.v3.api.pb@UTC+4:30", Feed.MINI_TICKERS, None, None),
        ("spot@public.miniTicker.v3.api.pb@币安人生USDT@UTC-8", Feed.MINI_TICKER, "币安人生USDT", None),
        (DEALS, Feed.DEALS, "BTCUSDT", 10),
        ("spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT", Feed.BOOK_TICKER, "BTCUSDT", 100),
    ],
)
def test_channel_names_are_understood(name: str, feed: Feed, symbol: str | None, interval_ms: int | None) -> None:
    channel = parse(name)

    assert channel is not None
    assert (channel.feed, channel.symbol, channel.interval_ms) == (feed, symbol, interval_ms)


@pytest.mark.parametrize("name", [DEALS.replace("BTCUSDT", "btcusdt"), DEALS.replace("10ms", "50ms"), f"{DEALS}@", ""])
def test_channel_names_that_do_not_exist_are_not(name: str) -> None:
    assert parse(name) is None
