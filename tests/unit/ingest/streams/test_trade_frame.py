"""First signs of trading."""

import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.streams.trade_stream import Trade, traded_in
from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.symbol_channels import FRAME_BYTES_MAX
from tests.support.data.wire import field
from tests.support.fakes.streams import book, deals, tickers

NUMBERS = st.sampled_from([1, 2, 3, 313, 314, 315])
SCALARS = st.one_of(st.binary(max_size=30), st.integers(min_value=0, max_value=2**64 - 1))


def test_deal_proves_that_its_symbol_trades() -> None:
    assert traded_in(deals("ABCUSDT", ("1.5", "20"))) == ("ABCUSDT", Decimal("1.5"))


def test_book_with_both_sides_proves_it_too() -> None:
    assert traded_in(book("币安人生USDT", bid=("1.4", "3"), ask=("1.5", "20"))) == ("币安人生USDT", Decimal("1.5"))


def test_price_is_that_of_the_newest_deal() -> None:
    frame = deals("ABCUSDT", ("1.5", "20"), ("1.7", "3"), ("1.6", "1"), times=[1, 3, 2])

    assert traded_in(frame) == ("ABCUSDT", Decimal("1.7"))


def test_deal_of_nothing_hides_no_other() -> None:
    assert traded_in(deals("ABCUSDT", ("0", "20"), ("1.5", "20"))) == ("ABCUSDT", Decimal("1.5"))


def test_asks_alone_prove_nothing() -> None:
    assert traded_in(book("ABCUSDT", ask=("1.5", "20"))) is None


@pytest.mark.parametrize("nothing", ["", "0", "0.000", "-1", "NaN", "sNaN", "free"])
def test_price_of_nothing_is_no_price(nothing: str) -> None:
    assert traded_in(deals("ABCUSDT", (nothing, "20"))) is None
    assert traded_in(deals("ABCUSDT", ("1.5", nothing))) is None
    assert traded_in(book("ABCUSDT", bid=(nothing, "3"), ask=("1.5", "20"))) is None
    assert traded_in(book("ABCUSDT", bid=("1.4", nothing), ask=("1.5", "20"))) is None


def test_push_of_no_deals_proves_nothing() -> None:
    assert traded_in(deals("ABCUSDT")) is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff" * 64,
        b"<html>",
        tickers("ABCUSDT"),
        deals("ABCUSDT", ("1", "1"))[:-1],
        deals("ABCUSDT", ("1", "1")).replace(b"10ms", b"99ms"),
        field(1, b"spot@public.aggre.deals.v3.api.pb@10ms@ABCUSDT"),
        field(1, b"spot@public.aggre.deals.v3.api.pb@10ms@ABCUSDT") + field(314, 7),
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        traded_in(garbage)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        traded_in(garbage)


@given(st.sampled_from(["deals", "bookTicker"]), st.lists(st.tuples(NUMBERS, SCALARS)))
def test_fields_of_wrong_types_prove_nothing(kind: str, fields: list[tuple[int, bytes | int]]) -> None:
    frame = field(1, f"spot@public.aggre.{kind}.v3.api.pb@10ms@ABCUSDT".encode())
    try:
        assert traded_in(frame + b"".join(field(number, value) for number, value in fields)) is None
    except FrameError:
        return


@given(st.integers(0, 120), st.integers(0, 120), st.integers(0, 255))
def test_truncated_and_damaged_frames_are_refused_or_read(cut: int, place: int, value: int) -> None:
    damaged = bytearray(deals("ABCUSDT", ("1.5", "20")))
    damaged[place % len(damaged)] = value
    try:
        assert isinstance(traded_in(bytes(damaged[: len(damaged) - cut])), Trade | None)
    except FrameError:
        return


def test_prices_as_long_as_a_frame_are_read_without_harm() -> None:
    endless = "9" * (FRAME_BYTES_MAX // 4)

    assert traded_in(deals("ABCUSDT", (endless, f"1e{endless}"))) is None


def test_thousands_of_bad_frames_leave_nothing_behind() -> None:
    bad = [b"\xff" * 4096, deals("ABCUSDT", ("1", "1"))[:-1], deals("ABCUSDT", *[("x", "y")] * 50)[:-3], bytes(4096)]

    def read_all() -> None:
        for frame in bad:
            with pytest.raises(FrameError):
                traded_in(frame)

    read_all()
    tracemalloc.start()
    try:
        for _ in range(500):
            read_all()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000
