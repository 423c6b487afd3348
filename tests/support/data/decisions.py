"""Decisions on listings as a test needs them: a second after noon, in dry-run, with nothing at stake yet."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from executor.decisions.limits import Committed
from executor.decisions.strategy import Arm, Buy, Standing, TradeConfig, decide, decide_firing
from executor.model.reasons import Reason, Refusal
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode
from tests.support.data.builders import NOON, a_committed, a_listing, an_applied_config

NOW = NOON + timedelta(seconds=1)
LATER = NOW + timedelta(hours=2)
UNSYNCHRONISED = Refusal(Reason.CLOCK_UNCERTAIN, "no answer yet")


def a_standing(
    *,
    mode: Mode = Mode.DRY_RUN,
    halted: str = "",
    committed: Committed | None = None,
    base_held: bool = False,
    **config: Any,
) -> Standing:
    limits = an_applied_config(**{"auto_trade": mode is Mode.LIVE} | config)
    return Standing(TradeConfig(limits, halted), mode, committed or a_committed(), base_held)


def unconfigured() -> Standing:
    return replace(a_standing(), config=None)


def decided(
    listing: Listing,
    standing: Standing | None = None,
    unready: Refusal | None = None,
    now: datetime = NOW,
    **settings: Any,
) -> Buy | Arm | Refusal:
    return decide(listing, standing or a_standing(), unready, ExecutorSettings(**settings), now)


def fired(
    listing: Listing,
    standing: Standing | None = None,
    unready: Refusal | None = None,
    now: datetime = NOW,
    **settings: Any,
) -> Buy | Refusal:
    return decide_firing(listing, standing or a_standing(), unready, ExecutorSettings(**settings), now)


def reason_of(decision: Buy | Arm | Refusal) -> Reason | None:
    return decision.reason if isinstance(decision, Refusal) else None


def ahead(**overrides: Any) -> Listing:
    """Announced an hour ago, and opening in two."""
    seen = {"listed_at": NOON - timedelta(hours=1), "observed_at": NOON - timedelta(hours=1)}
    return a_listing(**seen | {"opens_at": LATER} | overrides)
