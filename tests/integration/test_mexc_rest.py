"""The REST client against a server that answers as the exchange does on good days and bad."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.http.request import RestLimits
from shared.mexc.market_data import MexcMarketData, _entries, connect_market_data
from tests.support.fakes.loopback import (
    Behaviour,
    Loopback,
    answering,
    answering_then_closing,
    hanging,
    reply,
    resetting,
    serving,
)

LIMITS = RestLimits(total_seconds=2, body_bytes_max=1_000_000)


@asynccontextmanager
async def client_of(behave: Behaviour, limits: RestLimits = LIMITS) -> AsyncIterator[tuple[MexcMarketData, Loopback]]:
    async with serving(behave) as server, connect_market_data(server.url, limits) as rest:
        yield rest, server


def answering_json(body: Any, status: str = "200 OK", headers: str = "") -> Behaviour:
    return answering(reply(json.dumps(body).encode(), status=status, headers=headers))


def exchange_info(*symbols: Any, server_time: int = 1) -> dict[str, Any]:
    return {"timezone": "CST", "serverTime": server_time, "rateLimits": [], "symbols": list(symbols)}


async def test_server_time_is_in_milliseconds() -> None:
    async with client_of(answering_json({"serverTime": 1645539742000})) as (rest, server):
        assert await rest.server_time() == 1645539742000
        assert server.requests[0].startswith("GET /api/v3/time HTTP/1.1\r\n")


async def test_ping_returns_on_the_empty_answer() -> None:
    async with client_of(answering_json({})) as (rest, _):
        await rest.ping()


async def test_ping_is_not_fooled_by_a_page() -> None:
    async with client_of(answering(reply(b"<html>maintenance</html>"))) as (rest, _):
        with pytest.raises(ExchangeUnavailable):
            await rest.ping()


async def test_default_symbols_are_a_set() -> None:
    wrapper = {"code": 200, "data": ["MXUSDT", "BTCUSDT"], "msg": None}
    async with client_of(answering_json(wrapper)) as (rest, _):
        assert await rest.default_symbols() == {"MXUSDT", "BTCUSDT"}


@pytest.mark.parametrize("odd", [None, 7, -1.5, {}, ["X"], True])
async def test_name_that_is_none_costs_the_others_nothing(odd: Any) -> None:
    async with client_of(answering_json({"code": 200, "data": ["MXUSDT", odd, "币安人生USDT"]})) as (rest, _):
        assert await rest.default_symbols() == {"MXUSDT", "币安人生USDT"}


@pytest.mark.parametrize("entries", [[None], [{"details": []}], [7, ["X"]]])
async def test_list_without_a_single_name_among_its_entries_is_no_list_of_names(entries: list[Any]) -> None:
    async with client_of(answering_json({"code": 200, "data": entries})) as (rest, _):
        with pytest.raises(ExchangeUnavailable):
            await rest.default_symbols()


async def test_lists_name_a_symbol_in_one_spelling_however_the_exchange_spells_it() -> None:
    async with client_of(answering_json({"code": 200, "data": ["btcusdt", "MX_USDT", "BTCUSDT"]})) as (rest, _):
        assert await rest.default_symbols() == {"MXUSDT", "BTCUSDT"}
    async with client_of(answering_json(exchange_info({"symbol": "mx_usdt", "status": "1"}))) as (rest, _):
        assert [info.symbol for info in await rest.exchange_info()] == ["MXUSDT"]


async def test_depth_asks_for_the_symbol_and_reads_the_book() -> None:
    body = {"lastUpdateId": 3, "bids": [], "asks": [["0.5", "10"]], "timestamp": 1}
    async with client_of(answering_json(body)) as (rest, server):
        book = await rest.depth("NEWUSDT", limit=5)

        assert book.bids == ()
        assert book.asks == ((Decimal("0.5"), Decimal(10)),)
        assert server.requests[0].startswith("GET /api/v3/depth?symbol=NEWUSDT&limit=5 ")


async def test_rules_of_one_symbol_are_asked_for_alone() -> None:
    body = exchange_info({"symbol": "BUSDT"}, {"symbol": "AUSDT", "baseAssetPrecision": 3})
    async with client_of(answering_json(body)) as (rest, server):
        rules = await rest.symbol_rules("AUSDT")

        assert rules is not None
        assert (rules.symbol, rules.base_precision) == ("AUSDT", 3)
        assert server.requests[0].startswith("GET /api/v3/exchangeInfo?symbol=AUSDT ")


@pytest.mark.parametrize(
    "unknown",
    [
        answering_json({"code": -1121, "msg": "Invalid symbol."}, status="400 Bad Request"),
        answering_json({"code": 30014, "msg": "invalid symbol"}, status="400 Bad Request"),
        answering_json(exchange_info()),
        answering_json(exchange_info({"symbol": "ANOTHERUSDT"})),
    ],
)
async def test_symbol_the_exchange_does_not_know_has_no_rules(unknown: Behaviour) -> None:
    async with client_of(unknown) as (rest, _):
        assert await rest.symbol_rules("AUSDT") is None


async def test_rules_that_are_refused_for_another_reason_are_a_refusal() -> None:
    refusal = answering_json({"code": 10072, "msg": "Api key info invalid"}, status="400 Bad Request")
    async with client_of(refusal) as (rest, _):
        with pytest.raises(ExchangeRejected):
            await rest.symbol_rules("AUSDT")


async def test_recent_trades_come_oldest_first_and_without_the_unreadable() -> None:
    body = [
        {"price": "3", "qty": "1", "time": 1700000000003},
        {"price": "2", "qty": "1", "time": None},
        {"price": "1", "qty": "1", "time": 1700000000001},
    ]
    async with client_of(answering_json(body)) as (rest, server):
        trades = await rest.recent_trades("AUSDT", limit=3)

        assert [trade.price for trade in trades] == [Decimal(1), Decimal(3)]
        assert server.requests[0].startswith("GET /api/v3/trades?symbol=AUSDT&limit=3 ")


async def test_book_ticker_of_a_one_sided_market_lacks_the_other_side() -> None:
    body = {"symbol": "NEWUSDT", "bidPrice": None, "bidQty": None, "askPrice": "0.5", "askQty": "1"}
    async with client_of(answering_json([body])) as (rest, _):
        [ticker] = await rest.book_tickers()

        assert (ticker.bid_price, ticker.ask_price) == (None, Decimal("0.5"))


async def test_exchange_info_names_every_symbol_even_the_odd_ones() -> None:
    body = exchange_info(
        {"symbol": "AUSDT", "status": "1"}, {"symbol": "BUSDT", "baseAsset": [1]}, {"status": "1"}, None
    )
    async with client_of(answering_json(body)) as (rest, _):
        assert [info.symbol for info in await rest.exchange_info()] == ["AUSDT", "BUSDT"]


async def test_unchanged_exchange_info_comes_back_as_the_same_object() -> None:
    async with client_of(answering_json(exchange_info({"symbol": "AUSDT"}, server_time=1))) as (rest, server):
        first = await rest.exchange_info()
        server.behave = answering_json(exchange_info({"symbol": "AUSDT"}, server_time=2))

        assert await rest.exchange_info() is first


async def test_changed_exchange_info_is_read_anew() -> None:
    closed, opened = ({"symbol": "AUSDT", "isSpotTradingAllowed": allowed} for allowed in (False, True))
    async with client_of(answering_json(exchange_info(closed))) as (rest, server):
        await rest.exchange_info()
        server.behave = answering_json(exchange_info({"symbol": "BUSDT"}, opened))

        assert [(info.symbol, info.api_allowed) for info in await rest.exchange_info()] == [
            ("BUSDT", False),
            ("AUSDT", True),
        ]


async def test_each_exchange_info_is_kept_only_once_as_it_was_sent() -> None:
    body = exchange_info(*({"symbol": f"S{n}USDT", "unread": "x" * 10_000} for n in range(500)))
    sent_bytes = len(json.dumps(body))
    async with client_of(answering_json(body), RestLimits(body_bytes_max=2 * sent_bytes)) as (rest, _):
        tracemalloc.start()
        await rest.exchange_info()
        kept_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert kept_bytes < 1.5 * sent_bytes


async def test_failure_after_a_good_exchange_info_is_a_failure() -> None:
    async with client_of(answering_json(exchange_info({"symbol": "AUSDT"}))) as (rest, server):
        await rest.exchange_info()
        bodies: list[Any] = [{}, exchange_info() | {"symbols": None}, [], "symbols"]
        for body in bodies:
            server.behave = answering_json(body)
            with pytest.raises(ExchangeUnavailable):
                await rest.exchange_info()


async def test_first_answer_without_symbols_is_a_failure_and_not_an_empty_exchange() -> None:
    async with client_of(answering_json({"serverTime": 1})) as (rest, _):
        with pytest.raises(ExchangeUnavailable):
            await rest.exchange_info()


async def test_reading_thousands_of_symbols_lets_the_loop_run() -> None:
    body = json.dumps(exchange_info(*({"symbol": f"S{n}USDT"} for n in range(3000)))).encode()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    assert len(await _entries([body], {})) == 3000
    counting.cancel()
    assert turns >= 3000 / 250


@pytest.mark.parametrize(
    "oversized",
    [
        reply(b" " * 1_000_001),
        reply(gzip.compress(b" " * 50_000_000), headers="Content-Encoding: gzip\r\n"),
    ],
    ids=["as sent", "as unpacked"],
)
async def test_body_over_the_bound_is_not_read(oversized: bytes) -> None:
    async with client_of(answering(oversized)) as (rest, _):
        with pytest.raises(ExchangeUnavailable, match="larger than 1000000 bytes"):
            await rest.server_time()


@pytest.mark.parametrize(
    "misbehave",
    [
        resetting,
        answering_then_closing(),
        answering_then_closing(reply(b"{}", length=50)),
        answering(b"not HTTP at all\r\n\r\n"),
        answering(reply(b"<html>Access Denied</html>", status="403 Forbidden")),
        answering(reply(b"<html>maintenance</html>")),
        answering(reply(b"")),
        answering(reply(b'{"serverTime":"\xff"}')),
        answering(reply(b'{"serverTime":1,"more":' + b"[" * 20_000 + b"]" * 20_000 + b"}")),
        answering_json({"code": 500, "msg": "busy"}, status="503 Service Unavailable"),
        answering_json({"serverTime": 1}, status="502 Bad Gateway"),
        answering_json({"serverTime": 1}, status="307 Temporary Redirect", headers="Location: /api/v3/ping\r\n"),
        answering_json({"serverTime": 1}, status="204 No Content"),
        answering_json({"serverTime": 1}, status="404 Not Found"),
        answering_json({"serverTime": None}),
        answering_json({}),
        answering_json([]),
        answering(reply(b"{}", headers="Content-Encoding: gzip\r\n")),
    ],
)
async def test_what_is_no_answer_of_the_exchange_means_unavailable(misbehave: Behaviour) -> None:
    async with client_of(misbehave) as (rest, server):
        with pytest.raises(ExchangeUnavailable):
            await rest.server_time()

        assert len(server.requests) == 1


async def test_silence_means_unavailable() -> None:
    async with client_of(hanging, RestLimits(total_seconds=0.1)) as (rest, _):
        with pytest.raises(ExchangeUnavailable):
            await rest.server_time()


async def test_names_asked_for_many_times_a_second_are_not_waited_for_as_long_as_other_answers() -> None:
    async with client_of(hanging, RestLimits(total_seconds=60, names_seconds=0.1)) as (rest, _):
        async with asyncio.timeout(10):
            with pytest.raises(ExchangeUnavailable, match=r"no answer within 0\.1 s"):
                await rest.default_symbols()


async def test_trickling_does_not_move_the_deadline() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        for byte in reply(b" " * 1000):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    async with client_of(trickle, RestLimits(total_seconds=0.2)) as (rest, _), asyncio.timeout(5):
        with pytest.raises(ExchangeUnavailable, match="within"):
            await rest.server_time()


async def test_nothing_listening_means_unavailable() -> None:
    async with serving(hanging) as server:
        url = server.url
    async with connect_market_data(url, LIMITS) as rest:
        with pytest.raises(ExchangeUnavailable, match="ConnectError"):
            await rest.ping()


@pytest.mark.parametrize(
    "refusal",
    [
        answering_json({"code": -1121, "msg": "Invalid symbol."}, status="400 Bad Request"),
        answering_json({"msg": "Invalid symbol.", "code": -1121, "_extend": None}, status="400 Bad Request"),
        answering_json({"code": -1121, "msg": "Invalid symbol.", "data": []}),
    ],
)
async def test_refusal_carries_the_exchanges_code_and_message(refusal: Behaviour) -> None:
    async with client_of(refusal) as (rest, _):
        for ask in (rest.ping, rest.default_symbols, rest.exchange_info):
            with pytest.raises(ExchangeRejected) as rejected:
                await ask()
            assert (rejected.value.code, rejected.value.message) == (-1121, "Invalid symbol.")


@pytest.mark.parametrize(
    ("limited", "seconds"),
    [
        (answering(reply(b"", status="429 Too Many Requests", headers="Retry-After: 7\r\n")), 7),
        (answering(reply(b"<html>", status="418 Banned", headers="Retry-After: 120\r\n")), 120),
        (answering(reply(b"", status="429 Too Many Requests")), None),
        (answering(reply(b"", status="429 No", headers="Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n")), 0),
        (
            answering(
                reply(
                    b"",
                    status="429 No",
                    headers="Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2015 07:28:09 GMT\r\n",
                )
            ),
            9,
        ),
        (answering(reply(b"", status="429 No", headers="Retry-After:  1.5 \r\n")), 1.5),
        (answering(reply(b'{"code": 418}', status="400 No", headers="Retry-After: 3\r\n")), 3),
        (answering(reply(b"", status="429 No", headers="Retry-After: " + "9" * 400 + "\r\n")), 259_200),
        (answering_json({"code": 429, "msg": "Too Many Requests"}, status="400 Bad Request"), None),
        (answering_json({"code": 429, "msg": "Too Many Requests"}), None),
    ],
)
async def test_rate_limit_says_how_long_to_wait_when_the_exchange_does(
    limited: Behaviour, seconds: float | None
) -> None:
    async with client_of(limited) as (rest, server):
        with pytest.raises(RateLimited) as refused:
            await rest.ping()

        assert refused.value.retry_after_seconds == seconds
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("limited", "banned"),
    [
        (answering(reply(b"", status="418 Banned")), True),
        (answering_json({"code": 418, "msg": "banned"}), True),
        (answering(reply(b"", status="429 Too Many Requests")), False),
    ],
)
async def test_ban_is_told_apart_from_a_limit(limited: Behaviour, banned: bool) -> None:
    async with client_of(limited) as (rest, _):
        with pytest.raises(RateLimited) as refused:
            await rest.ping()

        assert refused.value.banned is banned


async def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(resetting) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with client_of(answering_json({"serverTime": 1_764_460_800_000})) as (rest, _):
            assert await rest.server_time() == 1_764_460_800_000
        assert proxy.requests == []
