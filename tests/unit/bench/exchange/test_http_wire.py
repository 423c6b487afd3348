"""The benchmarks' subset of HTTP."""

from bench.exchange.http_wire import Request, answer, parse_head, post


def test_request_tells_what_it_is_for_and_how_much_follows() -> None:
    head = b"POST /api/v3/order/test?side=BUY&symbol=ABCUSDT&signature=ff HTTP/1.1\r\ncontent-length: 12\r\n\r\n"

    params = {"side": "BUY", "symbol": "ABCUSDT", "signature": "ff"}
    assert parse_head(head) == Request("POST", "/api/v3/order/test", params, 12)
    assert parse_head(head).symbol == "ABCUSDT"


def test_request_without_a_body_or_a_symbol_has_none() -> None:
    asked = parse_head(b"GET /api/v3/time HTTP/1.1\r\nHost: here\r\n\r\n")

    assert (asked, asked.symbol) == (Request("GET", "/api/v3/time", {}, 0), "")


def test_what_is_posted_is_read_back() -> None:
    assert parse_head(post("/order?symbol=ABCUSDT", "here")) == Request("POST", "/order", {"symbol": "ABCUSDT"}, 0)


def test_answer_says_how_long_it_is() -> None:
    head, _, body = answer(b'{"ok":true}').partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Length: 11" in head.split(b"\r\n")
    assert body == b'{"ok":true}'
