"""Follow the best prices and trades of given coins, on as many connections as they need."""

import asyncio
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final, Never

import structlog
from prometheus_client import CollectorRegistry
from pydantic import JsonValue

from executor.market_streams.market_stream_metrics import MarketStreamMetrics
from executor.market_streams.stream_quotes import StreamQuotes, Tick, TickListener
from executor.settings import ExecutorSettings
from shared.mexc.streams.channel_assignment import assigned
from shared.mexc.streams.connection import Stream, StreamOptions
from shared.mexc.streams.rotation import Rotation
from shared.mexc.streams.symbol_channels import FRAME_BYTES_MAX, SYMBOLS_PER_CONNECTION, can_be_followed, channels_of

log = structlog.get_logger(__name__)

CONNECTIONS_MAX: Final = 20
"""Three hundred coins; those beyond are looked at by REST."""
PINGS: Final = 3
"""In the time after which a stream is stale: one lost answer proves nothing."""
STALL_SECONDS: Final = 5.0
"""A connection without a sign of life for as long is given up."""
RETRY_SECONDS_MAX: Final = 10.0
RESTART_SECONDS: Final = 5.0
DAY_SECONDS: Final = 82_800.0
"""Almost: the exchange closes connections after a day."""
NAME: Final = "prices"


class StreamTroubles:
    """Logs what keeps the streams away; looks by REST go on meanwhile."""

    def lost(self, reason: str) -> None:
        """See `Feed`."""
        log.info("prices are looked at by REST", reason=reason)

    def refused(self, reason: str) -> None:
        """See `Feed`."""
        log.warning("prices are looked at by REST", reason=reason)


class MarketStreams:
    def __init__(
        self, url: str, settings: ExecutorSettings, registry: CollectorRegistry, *, rotate_seconds: float = DAY_SECONDS
    ) -> None:
        """A connection is replaced after *rotate_seconds*."""
        self._stale_seconds = settings.stream_stale_seconds
        self._options = StreamOptions(
            url,
            ping_seconds=self._stale_seconds / PINGS,
            stall_seconds=STALL_SECONDS,
            retry_max_seconds=RETRY_SECONDS_MAX,
            rotate_seconds=rotate_seconds,
        )
        self._metrics = MarketStreamMetrics(registry)
        self._now = asyncio.get_running_loop().time
        self._quotes = StreamQuotes(self._metrics.ticked, self._now)
        self._assignments: tuple[frozenset[str], ...] = ()
        self._rotations: list[Rotation] = []
        self._is_wanted = asyncio.Event()

    def follow(self, symbols: Collection[str]) -> None:
        """Follow exactly *symbols* from now on."""
        wanted = sorted(filter(can_be_followed, symbols))
        connections = min(CONNECTIONS_MAX, -(-len(wanted) // SYMBOLS_PER_CONNECTION))
        room = (frozenset[str](),) * max(0, connections - len(self._assignments))
        self._assignments = assigned((*self._assignments, *room), wanted, SYMBOLS_PER_CONNECTION)
        self._quotes.keep(frozenset[str]().union(*self._assignments))
        self._is_wanted.set()

    def fresh(self, symbol: str) -> Tick | None:
        """Return the best prices of *symbol* where its stream shows what they are now; None where it is stale."""
        tick = self._quotes.of(symbol)
        number = next((number for number, symbols in enumerate(self._assignments) if symbol in symbols), None)
        if tick is None or number is None or number >= len(self._rotations):
            return None
        alive_after = self._now() - self._stale_seconds
        is_unbroken = tick.arrived_at >= self._rotations[number].unbroken_since(channels_of(symbol), alive_after)
        return tick if is_unbroken else None

    def doubt(self, symbol: str) -> None:
        """Trust nothing of *symbol* until its next push: REST has shown something else."""
        self._metrics.ticked("doubted")
        self._quotes.drop(symbol)

    def facts(self) -> dict[str, JsonValue]:
        """Return the source of prices of each coin that is followed."""
        return {symbol: "stream" if self.fresh(symbol) else "rest" for symbol in sorted(self._quotes.followed)}

    async def run(self, until: asyncio.Event, listener: TickListener) -> None:
        """Keep as many connections as the coins need, until *until* is set; *listener* judges each push."""
        self._quotes.listener = listener
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(), name="price streams")
            await until.wait()
            following.cancel()

    def channels(self, connection: int) -> AbstractSet[str]:
        """Return the channels of that connection."""
        return frozenset[str]().union(*map(channels_of, self._assignments[connection]))

    async def _follow(self) -> Never:
        async with asyncio.TaskGroup() as tasks:
            while True:
                for number in range(len(self._rotations), len(self._assignments)):
                    wanted = partial(self.channels, number)
                    stream = Stream(NAME, wanted, self._quotes.take, FRAME_BYTES_MAX, is_quiet=True)
                    self._rotations.append(Rotation(stream, self._options, StreamTroubles(), self._metrics.streams))
                    tasks.create_task(self._rotate(self._rotations[number]), name=f"prices-{number}")
                self._is_wanted.clear()
                await self._is_wanted.wait()
        raise AssertionError

    async def _rotate(self, rotation: Rotation) -> Never:
        while True:
            try:
                await rotation.run()
            except Exception:
                # Streams are an advantage, never a condition: looks by REST go on.
                log.exception("a stream of prices ended")
            await asyncio.sleep(RESTART_SECONDS)


def market_streams(url: str | None, settings: ExecutorSettings, registry: CollectorRegistry) -> MarketStreams | None:
    """Return the streams of the exchange at *url*; None where there is none, or they are switched off."""
    return MarketStreams(url, settings, registry) if url is not None and settings.exit_streams else None
