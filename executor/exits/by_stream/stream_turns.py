"""Turns of looks: by the streams where they decide, and by REST all the same now and then."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from executor.decisions.exit_evaluator import LookTime
from executor.market_streams.market_streams import MarketStreams
from executor.market_streams.stream_quotes import Tick
from executor.model import WatchedPosition
from executor.pricing import Quote

SETTLED_SECONDS: Final = 1.0
"""Best prices that stood for so long should be those of REST, too."""

IsSettled = Callable[[WatchedPosition, Quote, LookTime], bool]


class StreamTurns:
    """REST is queried where a stream is stale, where its best prices do not decide, and now and then to compare."""

    def __init__(self, streams: MarketStreams | None, is_settled: IsSettled, check_seconds: float) -> None:
        self._streams = streams
        self._is_settled = is_settled
        self._check_seconds = check_seconds
        self._check_at: dict[str, float] = {}

    def ticks(self, positions: Iterable[WatchedPosition], pressing: Collection[str], time: LookTime) -> dict[str, Tick]:
        """Return the best prices, by position, of those that streams decide now: not of *pressing* ones.

        What one push showed is confirmed by others, or by REST.
        """
        return {
            each.name: tick
            for each in positions
            if each.name not in pressing
            and time.seconds < self._check_at.get(each.position.symbol, 0.0)
            and (tick := self.fresh(each.position.symbol)) is not None
            and self._is_settled(each, tick.quote, time)
        }

    def fresh(self, symbol: str) -> Tick | None:
        """Return the best prices of *symbol* where its stream is fresh."""
        return None if self._streams is None else self._streams.fresh(symbol)

    def compare(self, known: Mapping[str, Quote], time: LookTime) -> None:
        """Hold what REST showed against the streams: one that has long shown another best bid is not believed."""
        for symbol, quote in known.items():
            self._check_at[symbol] = time.seconds + self._check_seconds
            tick = self.fresh(symbol)
            if self._streams is None or tick is None or not quote.bids or quote.is_crossed:
                continue
            has_stood = time.seconds - tick.arrived_at >= SETTLED_SECONDS
            if has_stood and quote.bids[0].price != tick.quote.bids[0].price:
                self._streams.doubt(symbol)

    def keep(self, symbols: Collection[str]) -> None:
        """Follow exactly *symbols* from now on."""
        self._check_at = {symbol: at for symbol, at in self._check_at.items() if symbol in symbols}
        if self._streams is not None:
            self._streams.follow(symbols)
