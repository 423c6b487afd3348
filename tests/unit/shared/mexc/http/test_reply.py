import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.http.reply import ReplyError, ReplyReader, plain_reply
from tests.support.fakes.loopback import reply

TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).filter(
    lambda name: name not in {"content-length", "content-type", "connection", "transfer-encoding"}
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(TOKENS, VALUES, max_size=4).map(
    lambda fields: "".join(f"{name}: {value}\r\n" for name, value in fields.items())
)
STATUSES = st.sampled_from(["200 OK", "307 Moved", "400 Bad Request", "429 ", "503 Service Unavailable"])


def read_in_pieces(received: bytes) -> object:
    reader = ReplyReader(65536)
    for at in range(len(received)):
        if whole := reader.feed(received[at : at + 1]):
            return whole
    return None


@given(st.binary(max_size=50), STATUSES, HEADERS)
def test_plain_reply_is_read_as_h11_reads_it(body: bytes, status: str, headers: str) -> None:
    received = reply(body, status=status, headers=headers)

    assert plain_reply(received) == read_in_pieces(received)


@pytest.mark.parametrize(
    "received",
    [
        reply()[:-1],
        reply() + b"x",
        reply(headers="Transfer-Encoding: chunked\r\n"),
        reply(headers="Content-Length: 2\r\n"),
        reply(headers="Content-Length : 2\r\n"),
        reply(headers=" folded\r\n"),
        reply(b"", status="204 No Content"),
        reply(status="100 Continue"),
        reply().replace(b"HTTP/1.1", b"HTTP/1.0"),
        reply().replace(b"Length: 2", b"Length: +2"),
        reply().replace(b"Length: 2", b"Length: 2, 2"),
        reply().replace(b"\r\n", b"\n"),
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
    ],
)
def test_anything_out_of_the_plain_is_left_to_h11(received: bytes) -> None:
    assert plain_reply(received) is None


@pytest.mark.parametrize(
    ("connection", "keep_alive"), [("close", False), ("Keep-Alive", True), ("upgrade, close", False)]
)
def test_connection_is_kept_only_when_the_reply_allows(connection: str, *, keep_alive: bool) -> None:
    read = plain_reply(reply(headers=f"Connection: {connection}\r\n"))

    assert read is not None
    assert read.keep_alive is keep_alive


def test_reply_over_the_bound_is_refused() -> None:
    with pytest.raises(ReplyError, match="larger than 100 bytes"):
        ReplyReader(100).feed(reply(b" " * 100))


@given(st.binary())
def test_garbage_is_refused_or_waited_on_but_never_crashes(received: bytes) -> None:
    reader = ReplyReader(65536)
    try:
        if reader.feed(received) is None:
            reader.feed(b"")
    except ReplyError as error:
        assert error.__cause__ is None  # noqa: PT017 - both ends are right
