"""Dedup under whatever can happen to it: it ends with each listing once, and with the latest opening time."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from copy import deepcopy
from datetime import timedelta
from enum import Enum
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from shared.events import Listing, RawListing, Source
from shared.postgres.database import Database
from tests.support.data.builders import NOON, a_raw_listing
from tests.support.data.strategies import steady
from tests.support.fakes.ledger_model import Consumer, LedgerModel
from tests.support.running.dedups import DedupProcess, KilledError
from tests.support.running.services import open_database

REAL_SOURCES = [Source.MEXC_WEBSOCKET, Source.MEXC_REST_API]
COINS = ["A{}COINUSDT", "a{}coin_usdt", "B{}COINUSDT"]
OPENINGS = [None, *(NOON + timedelta(hours=hours) for hours in (-1, 1, 2, 3))]


class Fate(Enum):
    """How far a process comes with a message before it is killed."""

    ACKNOWLEDGED = "acknowledged"
    DIES_BEFORE_IT_KEEPS_THE_OBSERVATION = "before observation"
    DIES_BEFORE_IT_PUBLISHES = "before publish"
    DIES_BEFORE_IT_ACKNOWLEDGES = "before ack"


class Dedups(RuleBasedStateMachine):
    """Two processes on one ledger, a broker that delivers anything at any time, and a consumer that keeps count."""

    runner: asyncio.Runner
    database: Database
    runs: Iterator[int]
    sightings = Bundle("sightings")

    def __init__(self) -> None:
        super().__init__()
        self._run = next(self.runs)
        self._serial = count()
        self._processes = [self._started(), self._started()]
        self._model = LedgerModel()
        self._consumer = Consumer()
        self._unacknowledged: dict[str, RawListing] = {}

    @rule(
        target=sightings,
        coin=st.sampled_from(COINS),
        occurrence=st.integers(1, 2),
        source=st.sampled_from(REAL_SOURCES),
        opens_at=st.sampled_from(OPENINGS),
        seconds=st.integers(0, 5),
    )
    def see(self, coin: str, occurrence: int, source: Source, opens_at: object, seconds: int) -> RawListing:
        # No two at the very same moment: which of them is the later word would be a matter of taste.
        observed_at = NOON + timedelta(seconds=seconds, microseconds=next(self._serial))
        raw = a_raw_listing(
            symbol=coin.format(self._run),
            occurrence=occurrence,
            source=source,
            opens_at=opens_at,
            observed_at=observed_at,
        )
        self._unacknowledged[raw.id] = raw
        return raw

    @rule(raw=sightings, number=st.integers(0, 1), fate=st.sampled_from(Fate))
    def deliver(self, raw: RawListing, number: int, fate: Fate) -> None:
        """Hand over a message: the first time, or again because its answer was lost."""
        expected = self._model.answer(raw)
        process = self._processes[number]
        process.dies_observing = fate is Fate.DIES_BEFORE_IT_KEEPS_THE_OBSERVATION
        try:
            events = self.runner.run(process(raw))
        except KilledError:
            pass
        else:
            assert [event.id for event in events] == expected
            if fate in {Fate.ACKNOWLEDGED, Fate.DIES_BEFORE_IT_ACKNOWLEDGES}:
                self._publish(events)
        if fate is Fate.ACKNOWLEDGED:
            self._unacknowledged.pop(raw.id, None)
        else:
            self.restart(number)

    @rule(one=sightings, other=sightings)
    def deliver_to_both_at_once(self, one: RawListing, other: RawListing) -> None:
        async def race() -> Sequence[Sequence[Listing]]:
            return await asyncio.gather(self._processes[0](one), self._processes[1](other))

        first, second = self.runner.run(race())
        came = ([event.id for event in first], [event.id for event in second])
        in_turn, swapped = deepcopy(self._model), deepcopy(self._model)
        expected = (in_turn.answer(one), in_turn.answer(other))
        if came == expected:
            self._model = in_turn
        else:
            assert came[::-1] == (swapped.answer(other), swapped.answer(one))
            self._model = swapped
        self._publish([*first, *second])
        for raw in (one, other):
            self._unacknowledged.pop(raw.id, None)

    @rule(number=st.integers(0, 1))
    def restart(self, number: int) -> None:
        self._processes[number] = self._started()

    def teardown(self) -> None:
        for raw in list(self._unacknowledged.values()):
            self.deliver(raw, 0, Fate.ACKNOWLEDGED)
        known = self._model.known
        assert set(self._consumer.listings) == {f"{key}:detected" for key in known}
        assert {key: self._consumer.opening(key) for key in known} == {
            key: each.announced for key, each in known.items()
        }
        assert self._observed() == {raw_id for each in known.values() for raw_id in each.observations}

    def _started(self) -> DedupProcess:
        return DedupProcess(self.database, keys_max=4)  # So few that it forgets, too.

    def _publish(self, events: Sequence[Listing]) -> None:
        for event in events:
            self._consumer.receive(event)

    def _observed(self) -> set[str]:
        async def ask() -> set[str]:
            async with self.database.connection() as connection:
                query = "SELECT raw_id FROM listing_observations WHERE listing_key = ANY($1::text[])"
                return {row["raw_id"] for row in await connection.fetch(query, list(self._model.known))}

        return self.runner.run(ask())


def test_whatever_happens_each_listing_is_published_once_and_its_opening_is_the_latest(database_url: str) -> None:
    with asyncio.Runner() as own:
        stack = AsyncExitStack()
        opened = own.run(stack.enter_async_context(open_database(database_url)))
        try:

            class OnThisDatabase(Dedups):
                runner, database, runs = own, opened, count()

            budget = settings(steady, max_examples=100, stateful_step_count=30)
            run_state_machine_as_test(OnThisDatabase, settings=budget)
        finally:
            own.run(stack.aclose())
