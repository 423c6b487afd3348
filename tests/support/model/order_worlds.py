"""World of the order state machine: an executor, its exchange, its database, and their faults."""

from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from executor.model.order import Order
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode, Source
from shared.mexc.orders.order_api import OrderRequest
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Crash, Executor, Failpoints, Time

ODDITIES: Final = st.sampled_from(
    [*[""] * 9, "usdc", "injected", "ageing", "old", "late", *["opens soon"] * 3, "opens later"]
)
BEHAVIOURS: Final = st.sampled_from([*[Behaviour.FILL] * 4, *[Behaviour.LOSE_ANSWER] * 4, *Behaviour])
POINTS: Final = (
    "before_commit",
    "after_commit",
    "before_write",
    "after_write",
    "before_record",
    "before_record_commits",
    "after_record",
)
"""Where the process ends: around every await between a listing and what is recorded of its order."""
SETTINGS: Final = ExecutorSettings.model_validate(
    {
        "retry_seconds": 2,
        "entry_attempts_seconds": 1,
        "retry_every_seconds": 0.05,
        "exchange_timeout_seconds": 1,
        "protection_seconds": 3,
        "absent_reads": 2,
        "orders_per_second": 100,
        "key_weight_per_10_seconds": 100_000,
        "key_requests_per_second": 10_000,
        "orders_per_minute": 8,
        "orders_per_day": 20,
        "daily_spend_usdt": Decimal(1500),
        "failures_max": 5,
        "listings_per_minute_max": 10,
        "quote_assets": "USDT,USDC",
    }
)


Happening = tuple[str, str]
HAPPENINGS: Final = st.sampled_from(
    [
        ("crash", ""),
        *[("time", seconds) for seconds in ("0.1", "1", "4", "15", "70")],
        ("config", "max_trade_usdt = 100, max_position_usdt = 700"),
        ("config", "max_trade_usdt = 33.33, max_position_usdt = 250"),
        ("config", "auto_trade = false"),
        *[("config", "auto_trade = true")] * 2,
        *[("config", "halted = false, halted_reason = '', resumed_at = clock_timestamp()")] * 4,
        ("exchange", "down"),
        ("exchange", "empty"),
        *[("exchange", "well")] * 3,
    ]
)


class Arrival(NamedTuple):
    """A listing on its way, and all that will happen to its order."""

    oddity: str
    behaviour: Behaviour
    lags: bool
    crashes_at: str
    deliveries: int
    looks: int
    fate: str


ARRIVALS: Final = st.builds(
    Arrival,
    oddity=ODDITIES,
    behaviour=BEHAVIOURS,
    lags=st.booleans(),
    crashes_at=st.sampled_from([*[""] * 4, *POINTS, "after_write"]),
    deliveries=st.integers(1, 2),
    looks=st.integers(0, 2),
    fate=st.sampled_from([*[""] * 6, "halted", "asleep", "limits lowered", "not sent yet"]),
)
READ_LAG: Final = timedelta(seconds=2)
"""Shorter than the protection window, as it has to be."""
EXPOSURE: Final = "SELECT * FROM exposure ORDER BY mode"
RESET: Final = """
TRUNCATE orders, order_attempts, positions, other_fees, trade_outbox, halts, listing_claims, unannounced_listings;
UPDATE exposure SET reserved_usdt = 0, filled_usdt = 0, ceiling_usdt = 0, recent_orders = '{}', day = '1970-01-01',
    day_orders = 0, day_spent_usdt = 0, failures = 0;
UPDATE trade_config SET max_trade_usdt = 100, max_position_usdt = 700, auto_trade = true, halted = false,
    halted_reason = '', resumed_at = clock_timestamp();
"""


class World:
    """Everything that a crash of the executor leaves standing, and the executor that runs now."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.time = Time()
        self.exchange = ModelExchange(self.time, on_request=self._on_request)
        self.failpoint = Failpoints()
        self.told: dict[str, Listing] = {}
        self.violations: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.failpoint.armed = ""
        self.executor = Executor(self.database, self.exchange, self.time, SETTINGS, failpoint=self.failpoint)

    async def run(self, step: Coroutine[Any, Any, object]) -> None:
        """Take one step of the executor; where it crashes, another one starts as the service does."""
        try:
            await step
        except Crash:
            self.restart()
            await self.executor.resolver.obstacles(Mode.LIVE)

    async def _on_request(self, order: Order, request: OrderRequest) -> None:
        """A request is on the wire: everything that has to hold before one is."""
        sent_at = self.time()
        async with self.database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM orders WHERE $1 = coalesce(attempt_id, client_order_id)", request.client_order_id
            )
            halted = await connection.fetchval(
                "SELECT halted OR EXISTS ("
                "SELECT FROM halts WHERE created_at > resumed_at AND (mode IS NULL OR mode = 'live')) FROM trade_config"
            )
        if row is None or row["state"] != "sending":
            self.violations.append(f"I4: {request.client_order_id} was sent with {row and row['state']} committed")
        elif row["mode"] != "live" or row["listing"]["source"] == Source.TEST_INJECTION:
            self.violations.append(f"I6: {request.client_order_id} was no live order")
        elif sent_at > row["send_until"] + timedelta(seconds=1):
            self.violations.append(f"I3: {request.client_order_id} was sent after its time")
        if halted and order.side == "BUY":
            self.violations.append(f"I3: {request.client_order_id} was sent in spite of a halt")
        self.time.pass_by(0.4)
