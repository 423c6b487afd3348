"""Nothing is sent live before the exchange has answered about everything that an earlier run left."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import pytest

from executor.halts import Cause
from executor.readiness import Readiness, check_holdings, reconcile
from executor.resolver import Resolver
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.order_reports import Balance


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

    async def look_up_all(self, mode: Mode) -> bool:
        assert mode is Mode.LIVE
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Account:
    def __init__(self, **held: str) -> None:
        self._held = held

    async def balances(self) -> Mapping[str, Balance]:
        return {asset: Balance(Decimal(free), Decimal(0)) for asset, free in self._held.items()}


@pytest.fixture
def readiness() -> Readiness:
    return Readiness(Clock())


def test_it_is_unready_until_it_is_reconciled_and_while_the_clock_is_uncertain(readiness: Readiness) -> None:
    before = readiness.unready()
    readiness.reconciled = True
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
    "obstacle", [False, TransientError("database away"), ExchangeUnavailable("HTTP 503"), ClockUncertainError("?")]
)
async def test_it_is_tried_until_the_exchange_has_answered_about_everything(
    readiness: Readiness, obstacle: bool | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.readiness.jittered", lambda *_, **__: 0.0)
    checks: list[bool] = []
    lookups = Lookups(obstacle, obstacle, True)

    async def check() -> None:
        checks.append(readiness.reconciled)

    await reconcile(cast("Resolver", lookups), check, readiness, asyncio.Event())

    assert lookups.answers == []
    assert checks == [False]  # Once, and before anything may be sent.
    assert readiness.reconciled


async def test_it_ends_unreconciled_when_it_is_told_to_stop(readiness: Readiness) -> None:
    stop = asyncio.Event()
    stop.set()

    await reconcile(cast("Resolver", Lookups()), lambda: asyncio.sleep(0), readiness, stop)

    assert not readiness.reconciled


@pytest.mark.parametrize(
    ("held", "positions", "unexplained"),
    [
        ({"USDT": "500", "MX": "7"}, {}, ""),
        ({"ABC": "10"}, {"ABC": "10"}, ""),
        ({"ABC": "10.01"}, {"ABC": "10"}, ""),
        ({"ABC": "10.02"}, {"ABC": "10"}, "ABC"),
        ({"ABC": "9"}, {"ABC": "10"}, ""),
        ({"ABC": "0"}, {}, ""),
        ({"XYZ": "1", "ABC": "1"}, {}, "ABC, XYZ"),
    ],
)
async def test_coins_that_no_position_explains_halt_live_trading(
    held: dict[str, str], positions: dict[str, str], unexplained: str
) -> None:
    latched: list[tuple[Cause, Mode | None, str]] = []

    async def explained() -> Mapping[str, Decimal]:
        return {asset: Decimal(quantity) for asset, quantity in positions.items()}

    await check_holdings(
        Account(**held), explained, {"USDT", "MX"}, lambda cause, mode, reason: latched.append((cause, mode, reason))
    )

    expected = (Cause.HOLDINGS, Mode.LIVE, f"the account holds what no position explains: {unexplained}")
    assert latched == ([expected] if unexplained else [])
