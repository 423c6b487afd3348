"""The exchange that the express way is rehearsed with: its one frame shows a coin that there is none of."""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from prometheus_client import CollectorRegistry

from executor.rehearsal.purchase_rehearsal import NOBODY, PRICE, RULES
from ingest.catalogue import Catalogue, Sighting, SymbolRecord, SymbolState
from ingest.health.feed_health import Feed
from ingest.output.publisher import raw_listing
from ingest.source import SourceEvent
from ingest.stepwise import run_cooperatively
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.ticker_stream import CHANNEL, TickerStream
from shared.events import RawListing
from shared.mexc.streams.connection import StreamOptions
from shared.mexc.wire_pb2 import TickerFrame, TickerSymbol, TickerSymbols


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How often the way is rehearsed, and with a coin of which quote asset."""

    every_seconds: float
    quote_asset: str


class RehearsedExchange:
    """A stream and a catalogue of its own, like those of ingest."""

    def __init__(self, quote_asset: str) -> None:
        shown = TickerSymbol(symbol=f"{NOBODY}{quote_asset}", price=PRICE)
        self._frame = TickerFrame(channel=CHANNEL, tickers=TickerSymbols(items=[shown])).SerializeToString()
        self._known = f"{NOBODY}0{quote_asset}"
        self._stream = TickerStream(StreamOptions(""), Feed("rehearsal", inf), SourceMetrics(CollectorRegistry()))

    async def sighting(self, now: datetime) -> RawListing:
        """Return the sighting of its coin, as ingest makes one of a frame at *now*, with rules."""
        catalogue = Catalogue([SymbolRecord(self._known, SymbolState.TRADABLE, NOBODY, "", now, trading_since=now)])
        seen: list[Sighting] = []

        async def report(event: SourceEvent) -> bool:
            result = await run_cooperatively(catalogue.observe_in_steps(event))
            seen.extend(result.sightings)
            return result.accepted

        await self._stream.take(report, self._frame)
        raw = raw_listing(seen[0], NOBODY, now)
        # No snapshot came before the frame, so its catalogue takes the coin for one that is not new.
        return raw.model_copy(update={"rules": RULES, "late": False, "listed_at": now, "observed_at": now})
