"""Names of a symbol's channels."""

import pytest

from shared.mexc.streams.symbol_channels import can_be_followed, channels_of, symbol_of


def test_each_symbol_has_two_channels_at_the_shortest_interval() -> None:
    assert channels_of("ABCUSDT") == {
        "spot@public.aggre.deals.v3.api.pb@10ms@ABCUSDT",
        "spot@public.aggre.bookTicker.v3.api.pb@10ms@ABCUSDT",
    }


def test_channel_names_its_symbol() -> None:
    assert {symbol_of(channel) for channel in channels_of("币安人生USDT")} == {"币安人生USDT"}


@pytest.mark.parametrize("symbol", ["A,B", "A@B", "A B", "[AB]"])
def test_symbol_that_would_break_the_name_of_a_channel_cannot_be_followed(symbol: str) -> None:
    assert not can_be_followed(symbol)
