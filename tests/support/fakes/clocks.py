"""A wall clock that is set, a monotonic one that is not, and an exchange's that both are apart from."""

from datetime import UTC, datetime

from shared.mexc.time.exchange_clock import ExchangeClock, TradingClock
from tests.support.data.builders import NOON
from tests.support.running.executors import Time


class Clocks(Time):
    """The trading clock of an executor, over clocks that the test moves. The exchange says noon at the start."""

    def __init__(self, *, wall_ahead_seconds: float = 0.0) -> None:
        super().__init__()
        self.monotonic = 1_000.0
        self._wall_ahead = NOON.timestamp() + wall_ahead_seconds - self.monotonic
        self.answer_seconds = 0.0
        """How long the exchange takes to say its time, all of it on the way there."""
        self._exchange_ahead = NOON.timestamp() - self.monotonic
        self.exchange = ExchangeClock(self._ask, now=lambda: self.monotonic)
        self._trading = TradingClock(self.exchange, wall=self._wall, monotonic=lambda: self.monotonic)

    def __call__(self) -> datetime:
        return self._trading.now()

    def pass_by(self, seconds: float) -> None:
        self.monotonic += seconds

    def jump_to(self, moment: datetime) -> None:
        self.pass_by(max(0.0, (moment - self()).total_seconds()))

    def set_wall(self, by_seconds: float) -> None:
        """Step the wall clock."""
        self._wall_ahead += by_seconds

    def set_exchange(self, by_seconds: float) -> None:
        """Let the exchange set its clock."""
        self._exchange_ahead += by_seconds

    def exchange_now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic + self._exchange_ahead, UTC)

    async def learn(self) -> None:
        """Read the exchange's time once."""
        await self.exchange._round()
        self()

    def _wall(self) -> float:
        return self.monotonic + self._wall_ahead

    async def _ask(self) -> int:
        self.monotonic += self.answer_seconds
        return int(self.exchange_now().timestamp() * 1000)
