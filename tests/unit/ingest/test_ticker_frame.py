"""Reading ticker frames and control frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.control_frame import message_in
from ingest.ticker_frame import FrameError, symbols_in
from shared.mexc import wire_pb2

CHANNEL = "spot@public.miniTickers.v3.api.pb@UTC+8"


def frame(*symbols: str, channel: str = CHANNEL) -> bytes:
    push = wire_pb2.PushDataV3ApiWrapper(channel=channel, sendTime=1_700_000_000_000)
    for symbol in symbols:
        push.publicMiniTickers.items.add(symbol=symbol, price="1.5", rate="0.1", volume="12")
    return push.SerializeToString()


def test_frame_holds_its_symbols_whatever_their_script() -> None:
    assert symbols_in(frame("BTCUSDT", "币安人生USDT", "BTCUSDT"), CHANNEL) == {"BTCUSDT", "币安人生USDT"}


def test_frame_without_symbols_is_empty() -> None:
    assert symbols_in(frame(), CHANNEL) == set()


def test_item_without_a_name_is_left_out() -> None:
    assert symbols_in(frame("", "BTCUSDT"), CHANNEL) == {"BTCUSDT"}


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff" * 64, b"<html>", frame("BTCUSDT")[:-1], frame("BTCUSDT").replace(b"BTCUSDT", b"BTC\xff\xfeDT")],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        symbols_in(garbage, CHANNEL)


def test_push_of_another_channel_is_refused() -> None:
    with pytest.raises(FrameError, match="another channel"):
        symbols_in(frame("BTCUSDT", channel="spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+8"), CHANNEL)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        symbols_in(garbage, CHANNEL)


def test_control_frame_says_its_message() -> None:
    assert message_in('{"id":0,"code":0,"msg":"PONG"}') == "PONG"


@pytest.mark.parametrize("garbage", ["", "pong", "[]", '{"code":0}', '{"msg":null}', "{"])
def test_text_without_a_message_is_refused(garbage: str) -> None:
    with pytest.raises(FrameError):
        message_in(garbage)
