"""D4: a coin of two years ago that a ticker shows first, before anything tells when it opened."""

import pytest

from shared.events import Listing, utc_now
from tests.hostile.ground import Ground

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

TWO_YEARS_MS = 730 * 24 * 3600 * 1000


async def shown_by_a_ticker(ground: Ground, symbol: str, *, opened_ms_ago: int) -> Listing:
    """List *symbol*; return what would be announced where a frame with its price is all there is."""
    opened_ms = int(utc_now().timestamp() * 1000) - opened_ms_ago
    listing = await ground.lists(symbol, first_open_time_ms=opened_ms)
    return listing.model_copy(update={"rules": None, "opens_at": None})


async def test_an_executor_that_is_to_ask_buys_no_old_coin_that_a_ticker_shows_first(ground: Ground) -> None:
    await ground.staffed(opening_unknown="ask")
    await ground.announces(await shown_by_a_ticker(ground, "AGEDUSDT", opened_ms_ago=TWO_YEARS_MS))
    refused = await ground.order("AGEDUSDT", "rejected")
    await ground.announces(await shown_by_a_ticker(ground, "YOUNGUSDT", opened_ms_ago=500))
    await ground.position("YOUNGUSDT", "open")

    assert refused["error_reason"].startswith("stale_listing: it opened on ")
    assert await ground.posted("AGEDUSDT") == []
