"""D4: a coin of two years ago that a ticker shows first, before its opening time is known."""

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


@pytest.mark.parametrize("choice", ["ask", "insist"])
async def test_no_old_coin_is_bought_that_a_ticker_shows_first(ground: Ground, choice: str) -> None:
    await ground.staffed(opening_unknown=choice, opening_ask_seconds=2)
    aged, young = f"AGED{choice.upper()}USDT", f"YOUNG{choice.upper()}USDT"
    await ground.announces(await shown_by_a_ticker(ground, aged, opened_ms_ago=TWO_YEARS_MS))
    refused = await ground.order(aged, "rejected")
    await ground.announces(await shown_by_a_ticker(ground, young, opened_ms_ago=500))
    await ground.position(young, "open")

    assert refused["error_reason"].startswith("stale_listing: it opened on ")
    assert await ground.posted(aged) == []
