"""Symbols not to be traded, and the reasons given."""

import pytest

from ingest.catalogue.symbol_register import record_of_name
from ingest.filters import Filters
from ingest.settings import IngestSettings
from tests.support.data.builders import NOON

DEFAULTS = IngestSettings()
FILTERS = Filters(DEFAULTS.quote_assets, DEFAULTS.name_pattern)


@pytest.mark.parametrize(
    ("symbol", "reason"),
    [
        ("BTC3LUSDT", "leveraged token"),
        ("ETH5SUSDT", "leveraged token"),
        ("DOGE2LUSDC", "leveraged token"),
        ("BTCUPUSDT", "leveraged token"),
        ("XRPDOWNUSDT", "leveraged token"),
        ("ETHBULLUSDT", "leveraged token"),
        ("TSLAXUSDT", "stock token"),
        ("AAPLONUSDT", "stock token"),
        ("NVDASTOCKUSDT", "stock token"),
        ("TESTUSDT", "test pair"),
        ("TEST2USDT", "test pair"),
        ("ABCBTC", "quote asset: BTC"),
        ("ABCEUR", "quote asset: EUR"),
        ("ABCXYZ", "quote asset: unknown"),
        ("ВТСUSDT", "name: looks like another"),
        ("BTСUSDT", "name: of more than one script"),
        ("币安BNBUSDT", "name: of more than one script"),
        ("ＢＴＣUSDT", "name: letters in disguise"),
        ("币安人生ВТС", "name: of more than one script"),
        ("币安人生BTC", "quote asset: BTC"),
        ("币_USDT", "name: not of the pattern"),
        ("BTC_USDT", "name: not of the pattern"),
        ("btcusdt", "name: not of the pattern"),
        ("ABC USDT", "name: not of the pattern"),
        ("ABCUSDT\n", "name: not of the pattern"),
        ("A" * 17 + "USDT", "name: not of the pattern"),
    ],
)
def test_symbol_is_not_to_be_traded_with_a_reason(symbol: str, reason: str) -> None:
    assert FILTERS(record_of_name(symbol, NOON)) == reason


@pytest.mark.parametrize(
    "symbol",
    [
        *("ABCUSDT", "1INCHUSDT", "4USDT", "XUSDT", "SUSDT", "C98USDT", "AVAXUSDT", "TRXUSDT", "IMXUSDC"),
        *("币安人生USDT", "도지코인USDT", "ЖУКUSDT", "हिन्दीUSDT"),
        # Only just not leveraged, a stock or a test.
        *("L3USDT", "JUPUSDT", "SYRUPUSDT", "DOWNUSDT", "TONUSDT", "PYTHONUSDT", "MUXUSDT", "BAXUSDT", "TESTERUSDT"),
    ],
)
def test_ordinary_coin_may_be_traded(symbol: str) -> None:
    assert FILTERS(record_of_name(symbol, NOON)) == ""


def test_quote_assets_and_pattern_are_settings() -> None:
    filters = Filters({"BTC"}, "[A-Z]+")

    assert filters(record_of_name("ABCBTC", NOON)) == ""
    assert filters(record_of_name("ABCUSDT", NOON)) == "quote asset: USDT"
    assert filters(record_of_name("4BTC", NOON)) == "name: not of the pattern"
