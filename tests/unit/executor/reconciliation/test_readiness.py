"""Nothing is sent live before the exchange has answered about everything that an earlier run left."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from executor.model.reasons import Reason, Refusal
from executor.reconciliation.order_reconciler import OrderReconciler
from executor.reconciliation.readiness import Readiness, reconcile
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.errors import ClockUncertainError, ExchangeUnavailable


class Clock:
    known = True

    def now_ms(self) -> int:
        if not self.known:
            raise ClockUncertainError("too far off")
        return 0


class Lookups:
    """Plays the resolver: answers from a list, and raises what is an error."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)

    async def obstacles(self, mode: Mode) -> Sequence[str]:
        assert mode is Mode.LIVE
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [] if answer else ["sn1 (ABCUSDT): refused"]


@pytest.fixture
def readiness() -> Readiness:
    return Readiness(Clock())


def test_it_is_unready_until_it_is_reconciled_and_while_the_clock_is_uncertain(readiness: Readiness) -> None:
    before = readiness.unready()
    readiness.mark_reconciled()
    after = readiness.unready()
    Clock.known = False
    try:
        uncertain = readiness.unready()
    finally:
        Clock.known = True

    assert before is not None
    assert (before.reason, after) == ("unreconciled", None)
    assert uncertain is not None
    assert (uncertain.reason, uncertain.detail) == ("clock_uncertain", "too far off")


@pytest.mark.parametrize(
    ("obstacle", "named"),
    [
        (False, "sn1 (ABCUSDT): refused"),
        (TransientError("database away"), "database away"),
        (ExchangeUnavailable("HTTP 503"), "HTTP 503"),
        (ClockUncertainError("?"), "?"),
        (RuntimeError("a fault of ours"), "RuntimeError"),
    ],
)
async def test_it_is_tried_until_the_exchange_has_answered_about_everything(
    readiness: Readiness, obstacle: bool | Exception, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.reconciliation.readiness.jittered", lambda *_, **__: 0.0)
    checks: list[bool] = []
    lookups = Lookups(obstacle, obstacle, True)

    alarms: list[str] = []
    refusals: list[Refusal | None] = []

    async def check() -> None:
        checks.append(readiness.reconciled)
        refusals.append(readiness.unready())

    await reconcile(
        cast("OrderReconciler", lookups), check, readiness, asyncio.Event(), lambda _, what: alarms.append(what)
    )

    assert lookups.answers == []
    # Whoever is refused meanwhile learns why, and so does the health once it lasts.
    assert refusals == [Refusal(Reason.UNRECONCILED, named)]
    assert alarms == [f"not reconciled, so nothing is bought live: {named}", ""]
    assert checks == [False]  # Once, and before anything may be sent.
    assert readiness.reconciled


async def test_it_ends_unreconciled_when_it_is_told_to_stop(readiness: Readiness) -> None:
    stop = asyncio.Event()
    stop.set()

    await reconcile(cast("OrderReconciler", Lookups()), lambda: asyncio.sleep(0), readiness, stop, lambda *_: None)

    assert not readiness.reconciled


async def test_a_stop_while_it_compares_what_is_held_leaves_it_unreconciled(readiness: Readiness) -> None:
    stop = asyncio.Event()

    async def stops() -> None:
        stop.set()

    await reconcile(cast("OrderReconciler", Lookups(True)), stops, readiness, stop, lambda *_: None)

    assert not readiness.reconciled
