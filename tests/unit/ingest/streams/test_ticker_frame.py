"""Reading ticker frames."""

import gc
import tracemalloc
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.streams.ticker_stream import (
    FRAME_BYTES_MAX,
    SLICE_SYMBOLS,
    SYMBOLS_MAX,
    TickerPrices,
    items_in,
    names_in,
)
from shared.mexc import wire_pb2
from shared.mexc.streams.control_frame import FrameError
from tests.support.data.wire import field
from tests.support.fakes.streams import tickers

SCALARS = st.one_of(st.binary(max_size=30), st.integers(min_value=0, max_value=2**64 - 1))


def symbols_in(frame: bytes) -> set[str]:
    return names_in(items_in(frame))


def test_frame_holds_its_symbols_whatever_their_script() -> None:
    assert symbols_in(tickers("BTCUSDT", "币安人生USDT", "BTCUSDT")) == {"BTCUSDT", "币安人生USDT"}


def test_frame_without_symbols_is_empty() -> None:
    assert symbols_in(tickers()) == set()


def test_item_without_a_name_is_left_out() -> None:
    assert symbols_in(tickers("", "BTCUSDT")) == {"BTCUSDT"}


@pytest.mark.parametrize("spelling", ["btcusdt", "BTC_USDT", "Btc-Usdt"])
def test_symbol_is_the_same_however_a_frame_spells_it(spelling: str) -> None:
    frame = tickers(spelling, "币安人生USDT", "_", price="2")

    assert symbols_in(frame) == {"BTCUSDT", "币安人生USDT"}
    assert prices_in(frame)("BTCUSDT") == Decimal(2)


def prices_in(frame: bytes) -> TickerPrices:
    items = items_in(frame)
    return TickerPrices(items, range(len(items)))


def test_price_of_a_symbol_is_the_one_beside_its_name() -> None:
    price_of = prices_in(tickers("BTCUSDT", "币安人生USDT", price="0.000000000012"))

    assert price_of("币安人生USDT") == Decimal("1.2E-11")


@pytest.mark.parametrize("asked", [("BUSDT", "AUSDT"), ("AUSDT", "BUSDT", "AUSDT")])
def test_price_of_a_symbol_that_is_there_twice_is_the_last_whenever_it_is_asked_for(asked: Sequence[str]) -> None:
    price_of = prices_in(tickers("AUSDT", price="1") + tickers("BUSDT", "AUSDT", price="2"))

    assert [price_of(symbol) for symbol in asked] == [Decimal(2)] * len(asked)


@pytest.mark.parametrize("text", ["", "0", "-1", "NaN", "Infinity", "free", "9" * 41, "1e-41", "1e" + "9" * 30])
def test_price_that_is_none_is_none(text: str) -> None:
    assert prices_in(tickers("BTCUSDT", price=text))("BTCUSDT") is None


def test_symbol_of_another_part_of_the_frame_has_no_price_here() -> None:
    items = items_in(tickers("AUSDT", "BUSDT", "CUSDT"))

    assert [TickerPrices(items, range(1, 2))(symbol) for symbol in ("AUSDT", "BUSDT", "CUSDT", "DUSDT")] == [
        None,
        Decimal("1.5"),
        None,
        None,
    ]


def test_fields_that_are_not_known_are_passed_over() -> None:
    unknown = wire_pb2.PushDataV3ApiWrapper(symbolId="7", createTime=3)

    assert symbols_in(tickers("BTCUSDT") + unknown.SerializeToString() + b"\xf2\x3f\x03new") == {"BTCUSDT"}


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff" * 64, b"<html>", tickers("BTCUSDT")[:-1], tickers("BTCUSDT").replace(b"BTCUSDT", b"BTC\xff\xfeDT")],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        symbols_in(garbage)


def test_push_of_another_channel_is_refused() -> None:
    with pytest.raises(FrameError, match="another channel"):
        symbols_in(tickers("BTCUSDT", channel="spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+8"))


def test_frame_full_of_empty_items_is_refused() -> None:
    items = b"\x0a\x00" * (SYMBOLS_MAX + 1)

    with pytest.raises(FrameError, match="100001 symbols"):
        symbols_in(tickers() + field(310, items))


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        symbols_in(garbage)


@given(st.binary(max_size=60))
def test_no_bytes_behind_a_whole_frame_hide_its_symbols_or_raise_anything_else(garbage: bytes) -> None:
    try:
        symbols = symbols_in(tickers("BTCUSDT") + garbage)
    except FrameError:
        return
    assert "BTCUSDT" in symbols


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 255))
def test_truncated_and_damaged_frames_yield_names_or_are_refused(cut: int, place: int, value: int) -> None:
    damaged = bytearray(tickers(*(f"A{number}USDT" for number in range(10))))
    damaged[place % len(damaged)] = value
    try:
        symbols = symbols_in(bytes(damaged[: len(damaged) - cut]))
    except FrameError:
        return
    assert "" not in symbols


@given(st.lists(st.tuples(st.integers(1, 400), SCALARS), max_size=8))
def test_fields_of_wrong_types_yield_nothing_or_are_refused(fields: list[tuple[int, bytes | int]]) -> None:
    frame = tickers("BTCUSDT") + b"".join(field(number, value) for number, value in fields)
    try:
        symbols = symbols_in(frame)
    except FrameError:
        return
    assert "BTCUSDT" in symbols


def test_thousands_of_bad_frames_leave_nothing_behind() -> None:
    bad = [b"\xff" * 4096, tickers("BTCUSDT")[:-1], tickers(*["ABCUSDT"] * 200)[:-3], bytes(4096)]

    def read_all() -> None:
        for frame in bad:
            with pytest.raises(FrameError):
                symbols_in(frame)

    read_all()
    tracemalloc.start()
    try:
        for _ in range(500):
            read_all()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000


def test_reading_a_large_frame_does_not_set_off_the_garbage_collector() -> None:
    frame = tickers(*(f"A{number}USDT" for number in range(30_000)))
    collections: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        collections.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    try:
        unread = iter(items_in(frame))
        while names_in(islice(unread, SLICE_SYMBOLS)):
            pass
    finally:
        gc.callbacks.remove(note)

    assert collections == []


def test_largest_frame_of_zeros_is_refused() -> None:
    with pytest.raises(FrameError):
        symbols_in(bytes(FRAME_BYTES_MAX))
