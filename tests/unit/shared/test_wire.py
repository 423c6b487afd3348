"""The committed wire schema is the compiled one, and says what MEXC's field numbers say."""

from pathlib import Path

import pytest

from shared.mexc import compile_wire, wire_pb2


@pytest.mark.parametrize("name", ["wire_pb2.py", "wire_pb2.pyi"])
def test_committed_code_is_what_the_schema_compiles_to(name: str, tmp_path: Path) -> None:
    compile_wire.compile_wire(tmp_path)

    committed = Path(compile_wire.__file__).with_name(name)
    assert committed.read_bytes() == (tmp_path / name).read_bytes()


def test_reduced_frame_reads_the_symbols_of_a_full_one() -> None:
    full = wire_pb2.PushDataV3ApiWrapper(channel="spot@public.miniTickers.v3.api.pb@UTC+8", sendTime=1_700_000_000_000)
    full.publicMiniTickers.items.add(symbol="BTCUSDT", price="60000", rate="0.01", volume="12")
    full.publicMiniTickers.items.add(symbol="币安人生USDT", price="0.1")

    reduced = wire_pb2.TickerFrame.FromString(full.SerializeToString())

    assert reduced.channel == "spot@public.miniTickers.v3.api.pb@UTC+8"
    assert reduced.sendTime == 1_700_000_000_000
    assert [(item.symbol, item.price) for item in reduced.tickers.items] == [
        ("BTCUSDT", "60000"),
        ("币安人生USDT", "0.1"),
    ]


def test_reduced_frame_of_another_channel_holds_no_symbols() -> None:
    deals = wire_pb2.PushDataV3ApiWrapper(channel="spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT")
    deals.publicAggreDeals.deals.add(price="1", quantity="2", tradeType=1, time=3)

    assert list(wire_pb2.TickerFrame.FromString(deals.SerializeToString()).tickers.items) == []


def test_bytes_on_the_wire_use_the_documented_field_numbers() -> None:
    frame = wire_pb2.PushDataV3ApiWrapper(channel="c")
    frame.publicMiniTickers.items.add(symbol="S", price="1")

    # Field 1 is 0x0a; field 310, length-delimited, is the two-byte key 0xb2 0x13.
    assert frame.SerializeToString() == b"\x0a\x01c\xb2\x13\x08\x0a\x06\x0a\x01S\x12\x011"
