"""Faults are armed for an endpoint and a count, and change an answer as their kind defines."""

import msgspec

from simulator.faults.kind import ORDER, WEBSOCKET
from simulator.faults.registry import KINDS, ArmedFault, FaultRegistry
from simulator.faults.response_faults import FaultOptions
from simulator.reply import Reply


def armed(
    name: str, *, endpoint: str | None = None, count: int | None = 1, options: FaultOptions | None = None
) -> ArmedFault:
    kind = KINDS[name]
    return ArmedFault(kind, endpoint or kind.endpoint, count, options or FaultOptions())


def test_fault_is_used_up_after_its_count() -> None:
    faults = FaultRegistry()
    faults.arm(armed("malformed_body", count=2))

    taken = [len(faults.take_replies(ORDER)) for _ in range(3)]

    assert taken == [1, 1, 0]
    assert faults.armed() == []


def test_fault_without_a_count_stays_until_cleared() -> None:
    faults = FaultRegistry()
    faults.arm(armed("malformed_body", count=None))
    taken = [len(faults.take_replies(ORDER)) for _ in range(3)]

    faults.disarm()

    assert taken == [1, 1, 1]
    assert faults.take_replies(ORDER) == []


def test_fault_leaves_other_endpoints_alone() -> None:
    faults = FaultRegistry()
    faults.arm(armed("http_status", endpoint="GET /api/v3/*"))

    assert faults.take_replies(ORDER) == []
    assert len(faults.take_replies("GET /api/v3/time")) == 1


def test_looking_whether_a_fault_is_active_does_not_use_it_up() -> None:
    faults = FaultRegistry()
    faults.arm(armed("ws_silence"))

    assert faults.active("ws_silence")
    assert faults.take("ws_silence", WEBSOCKET)
    assert faults.active("ws_silence") is None


def test_faults_that_change_no_answer_are_not_taken_by_requests() -> None:
    faults = FaultRegistry()
    faults.arm(armed("order_visibility_lag"))

    assert faults.take_replies(ORDER) == []
    assert faults.take("order_visibility_lag", ORDER)


def test_api_error_is_answered_as_mexc_answers() -> None:
    reply = armed("api_error", options=FaultOptions(code=30005, message="Oversold")).transform(Reply())

    assert reply.status == 400
    assert msgspec.json.decode(reply.body) == {"code": 30005, "msg": "Oversold", "_extend": None}


def test_shrunk_exchange_info_keeps_a_fraction_of_the_symbols() -> None:
    whole = Reply(body=msgspec.json.encode({"symbols": list(range(10)), "timezone": "CST"}))

    shrunk = armed("exchange_info_shrunk", options=FaultOptions(fraction=0.3)).transform(whole)
    empty = armed("exchange_info_empty").transform(whole)

    assert msgspec.json.decode(shrunk.body) == {"symbols": [0, 1, 2], "timezone": "CST"}
    assert msgspec.json.decode(empty.body) == {"symbols": [], "timezone": "CST"}


def test_swollen_exchange_info_holds_symbols_that_nobody_listed() -> None:
    listed = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT"}
    whole = Reply(body=msgspec.json.encode({"symbols": [listed], "timezone": "CST"}))

    swollen = armed("exchange_info_swollen", options=FaultOptions(extra=2)).transform(whole)

    assert msgspec.json.decode(swollen.body) == {
        "symbols": [
            listed,
            {"symbol": "GHOST0USDT", "baseAsset": "GHOST0", "quoteAsset": "USDT"},
            {"symbol": "GHOST1USDT", "baseAsset": "GHOST1", "quoteAsset": "USDT"},
        ],
        "timezone": "CST",
    }


def test_two_faults_at_once_both_have_their_way() -> None:
    faults = FaultRegistry()
    faults.arm(armed("latency", options=FaultOptions(seconds=2)))
    faults.arm(armed("http_status", options=FaultOptions(status=502)))
    reply = Reply()

    for fault in faults.take_replies(ORDER):
        reply = fault.transform(reply)

    assert (reply.status, reply.delay_seconds) == (502, 2)


def test_every_option_a_row_reads_exists() -> None:
    fields = set(FaultOptions.__dataclass_fields__)

    assert [kind.name for kind in KINDS.values() if not set(kind.options) <= fields] == []
