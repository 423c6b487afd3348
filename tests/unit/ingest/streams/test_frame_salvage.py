"""A ticker frame of which one item cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.streams.ticker_stream import CHANNEL, UnreadableItemError, items_in, readable_items
from shared.mexc.streams.control_frame import FrameError
from tests.support.data import strategies
from tests.support.data.wire import field
from tests.support.fakes.streams import tickers

ODD_ITEMS = {
    "no UTF-8": field(1, b"\xff\xfe"),
    "cut off": field(1, b"ABCUSDT")[:-2],
    "no field": b"\xff" * 12,
}


def frame_of(*items: bytes, channel: str = CHANNEL) -> bytes:
    return field(1, channel.encode()) + field(6, 1_700_000_000_000) + field(310, b"".join(field(1, i) for i in items))


def an_item(symbol: str) -> bytes:
    return field(1, symbol.encode()) + field(2, b"1.5")


@pytest.mark.parametrize("odd", ODD_ITEMS.values(), ids=ODD_ITEMS)
def test_item_that_cannot_be_read_concerns_that_item(odd: bytes) -> None:
    frame = frame_of(an_item("ABCUSDT"), odd, an_item("币安人生USDT"))
    with pytest.raises(UnreadableItemError):
        items_in(frame)

    items = list(readable_items(frame))

    assert [item and (item.symbol, item.price) for item in items] == [
        ("ABCUSDT", "1.5"),
        None,
        ("币安人生USDT", "1.5"),
    ]


def test_good_frame_reads_the_same_item_by_item() -> None:
    frame = tickers("ABCUSDT", "XYZUSDT", price="2")

    assert list(readable_items(frame)) == list(items_in(frame))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff",
        frame_of(channel="another"),
        frame_of(an_item("ABCUSDT"))[:-3],
        field(1, CHANNEL.encode()) + b"\x07",
    ],
)
def test_frame_that_is_none_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameError):
        list(readable_items(frame))


@strategies.steady
@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(frame: bytes) -> None:
    for whole in (frame, field(1, CHANNEL.encode()) + field(310, frame)):
        try:
            list(readable_items(whole))
        except FrameError:
            continue
