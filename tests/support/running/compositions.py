"""The composition in which tests run the executor: by itself, or with ingest on the express way.

`SNIPER_TEST_COMPOSITION=express` has tests of faults and of a hostile exchange run `sniper run express` instead of
`sniper run executor`. There the process sees by itself what the exchange lists, so that a coin stays out of the
exchange's lists until the test announces it.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import pytest

from shared.events import Listing
from tests.support.running.simulators import Simulator
from tests.waiting import eventually


class Composition(StrEnum):
    NORMAL = "normal"
    EXPRESS = "express"

    @property
    def command(self) -> str:
        """Return the service that `sniper run` is to run."""
        return "express" if self is Composition.EXPRESS else "executor"


CHOSEN: Final = Composition(os.environ.get("SNIPER_TEST_COMPOSITION", Composition.NORMAL))
INGEST: Final[Mapping[str, Any]] = {"default_symbols_seconds": 1, "exchange_info_seconds": 5, "drain_seconds": 0.5}
"""Settings of ingest: its tickers show a coin sooner."""
SEEN_SECONDS: Final = 1.0
"""For a sighting to be published of a coin that is shown; nobody may watch."""
DECIDED_SECONDS: Final = 0.5
"""For an order of a listing that differs from what the exchange shows; it may be refused."""
SIGHTED: Final = "SELECT FROM symbols WHERE symbol = $1"
"""Stored once its sighting is published."""
ORDERED: Final = "SELECT FROM orders WHERE symbol = $1"
_TIMES: Final = {"id", "listed_at", "observed_at", "published_at", "deduplicated_at"}
_APART: Final = timedelta(seconds=2)
"""Between what is announced of a coin and what was last learned of it."""


def normal_way_only(reason: str) -> pytest.MarkDecorator:
    """Skip on the express way what is about the normal way's own points or figures."""
    return pytest.mark.skipif(CHOSEN is Composition.EXPRESS, reason=reason)


READING: Final = normal_way_only("the reading that decides is made once a second, ahead of every sighting")


class Newcomers:
    """Coins that the exchange shows in no list yet. They stand in for dedup: what they are told of is announced."""

    def __init__(self, exchange: Simulator, rows: Callable[..., Awaitable[Sequence[object]]]) -> None:
        """*rows* runs a query with its arguments."""
        self._exchange = exchange
        self._rows = rows
        self._hidden: dict[str, Listing | None] = {}

    def hide(self, symbol: str) -> Mapping[str, Any]:
        """Return the terms under which *symbol* is to be listed."""
        self._hidden[symbol] = None
        return {"in_lists": False}

    def learned(self, listing: Listing) -> Listing:
        """Note what the exchange shows of a coin, and return it."""
        if listing.symbol in self._hidden:
            self._hidden[listing.symbol] = listing
        return listing

    async def before(self, listing: Listing) -> None:
        """Show the coin, unless *listing* differs from it: then return at once. Return once it is sighted."""
        kept = self._hidden.get(listing.symbol)
        if kept is None or not _is_same(kept, listing):
            return
        await self._show(listing.symbol)
        with suppress(AssertionError):
            await eventually(lambda: self._rows(SIGHTED, listing.symbol), within_seconds=SEEN_SECONDS)

    async def after(self, listing: Listing) -> None:
        """Show a coin whose listing differed, once it has an order: it cannot be bought for what it shows any more."""
        if listing.symbol not in self._hidden:
            return
        with suppress(AssertionError):
            await eventually(lambda: self._rows(ORDERED, listing.symbol), within_seconds=DECIDED_SECONDS)
            await self._show(listing.symbol)

    async def _show(self, symbol: str) -> None:
        del self._hidden[symbol]
        await self._exchange.change_coin(symbol, in_lists=True)


def _is_same(one: Listing, other: Listing) -> bool:
    return one.model_dump(exclude=_TIMES) == other.model_dump(exclude=_TIMES) and (
        abs(one.listed_at - other.listed_at) < _APART
    )
