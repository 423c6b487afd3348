"""All trades of a span of time, from an exchange that answers with a hundred at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from shared.mexc.orders.account import TRADES_MAX
from shared.mexc.orders.order_reports import TradeReport

PAGES_MAX: Final = 20
"""Two thousand trades, for as many times ten of weight."""

Page = Callable[[int | None, int | None], Awaitable[Sequence[TradeReport]]]
"""Returns a page of the trades between two moments in milliseconds; None: any."""
Enough = Callable[[Sequence[TradeReport]], bool]
"""Returns whether nothing can be missing."""


async def all_trades(page: Page, start_ms: int, end_ms: int, enough: Enough) -> Sequence[TradeReport]:
    """Return the trades that *page* shows, each once, until they are *enough* or there are no more to be had.

    A full page may come from either end of the requested span. The spans before it and behind it are requested next;
    more trades in one millisecond than a page holds cannot be reached, and stay missing.
    """
    found: dict[str, TradeReport] = {}
    spans: list[tuple[int | None, int | None]] = [(None, None)]
    for _ in range(PAGES_MAX):
        if not spans:
            break
        start, end = spans.pop()
        answer = await page(start, end)
        found.update((each.trade_id, each) for each in answer)
        if enough(list(found.values())):
            break
        if len(answer) >= TRADES_MAX:
            asked = (start_ms if start is None else start, end_ms if end is None else end)
            spans += _around(asked, answer)
    return list(found.values())


def _around(asked: tuple[int, int], trades: Sequence[TradeReport]) -> Sequence[tuple[int, int]]:
    """Return the spans before and behind a full page of *trades*; without its one millisecond where it has one only."""
    times = [round(each.traded_at.timestamp() * 1000) for each in trades if each.traded_at is not None]
    if not times:
        return []
    (start, end), edge = asked, int(min(times) == max(times))
    before, behind = (start, min(times) - edge), (max(times) + edge, end)
    return [span for span in (before, behind) if span[0] <= span[1] and span != asked]
