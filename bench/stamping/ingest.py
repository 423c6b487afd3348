"""`sniper`, reporting in its log when the first frame with each symbol was received."""

import time
from typing import Final

from bench.stamping.moments import before, report_soon
from cli.entry import main
from ingest.catalogue import Sighting
from ingest.output.publisher import Publisher
from ingest.streams.ticker_stream import TickerStream

RECEIVED: Final = "received"


class Frames:
    """The latest frame, and the sightings in it."""

    def __init__(self) -> None:
        self._latest_ns = 0

    def received(self, *_: object) -> None:
        """Note that a frame was received."""
        self._latest_ns = time.monotonic_ns()

    def published(self, _: object, sighting: Sighting, *__: object) -> None:
        """Report the latest frame, which *sighting* is of."""
        report_soon(sighting.record.symbol, {RECEIVED: self._latest_ns})


if __name__ == "__main__":
    frames = Frames()
    before(TickerStream, "take", frames.received)
    before(Publisher, "publish", frames.published)
    main()
