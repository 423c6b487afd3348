import pytest

from cli.operating.inject import inject
from shared.errors import SettingsError


@pytest.mark.parametrize(
    ("symbol", "quote", "refusal"),
    [
        ("TEST-USDT", "USDT", "^SYMBOL: Invalid symbol format$"),
        ("_____", "USDT", "^SYMBOL: Invalid symbol format$"),
        *(("TESTUSDT", quote, "^--quote: must be an asset like USDT$") for quote in ("", "U", "USDT;", "A" * 11)),
        ("T", ";", "^SYMBOL: Invalid symbol format; --quote: must be an asset like USDT$"),
    ],
)
async def test_what_no_listing_can_be_is_refused_before_anything_is_opened(
    symbol: str, quote: str, refusal: str
) -> None:
    with pytest.raises(SettingsError, match=refusal):
        await inject(symbol, quote)
