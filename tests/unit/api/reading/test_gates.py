from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.reading.gates import against_limit, live_gates, trading_of
from api.schemas import ComponentHealth, ExposureRow, TradeConfig
from shared.control.exit_policy import NO_EXITS
from shared.events import HealthStatus, Mode
from tests.support.data.builders import NOON

ALL_OPEN = {"live": "", "keys": "", "clock": "", "reconciled": ""}


def an_executor(told: dict[str, str] | None = None, **overrides: Any) -> ComponentHealth:
    return ComponentHealth.model_validate(
        {
            "component_name": "executor",
            "status": "running",
            "last_event_at": None,
            "updated_at": NOON,
            "age_seconds": 1,
            "detail": "",
            "facts": {"gates": ALL_OPEN if told is None else told},
            **overrides,
        }
    )


def a_config(**overrides: Any) -> TradeConfig:
    described = {
        "max_trade_usdt": 100,
        "max_position_usdt": 1000,
        "auto_trade": True,
        "auto_trade_until": None,
        **NO_EXITS.model_dump(),
        "entry_slippage_pct": 5,
        "daily_loss_usdt_max": None,
        "halted": False,
        "exits_halted": False,
        "selling_all": False,
        "halted_reason": "",
        "created_at": NOON,
        "updated_at": NOON,
        "halts": [],
    }
    return TradeConfig.model_validate(described | overrides)


def judged(
    executor: ComponentHealth | None, config: TradeConfig, at_stake: str = "0", gap: str = ""
) -> tuple[str, dict[str, str]]:
    row = ExposureRow(
        mode=Mode.LIVE,
        reserved_usdt=Decimal(0),
        filled_usdt=Decimal(at_stake),
        orders_today=0,
        spent_today_usdt=Decimal(0),
        failures=0,
    )
    found = live_gates(executor, config, [against_limit(row, config)], now=NOON, gap=gap)
    return trading_of(found, gap=gap), {gate.name: gate.reason for gate in found if not gate.open}


def a_halt(**overrides: Any) -> dict[str, Any]:
    return {"cause": "operator", "mode": None, "reason": "lunch", "since": NOON, "exits": False, **overrides}


def test_all_gates_open_is_live() -> None:
    assert judged(an_executor(), a_config()) == ("live", {})


@pytest.mark.parametrize(
    ("executor", "config", "at_stake", "trading", "closed"),
    [
        (an_executor(ALL_OPEN | {"live": "no"}), a_config(), "0", "dry-run", {"live": "no"}),
        (an_executor(ALL_OPEN | {"keys": "none"}), a_config(), "0", "dry-run", {"keys": "none"}),
        (an_executor(), a_config(auto_trade=False), "0", "dry-run", {"auto_trade": "auto_trade is off"}),
        (an_executor(), a_config(auto_trade_until=NOON + timedelta(seconds=1)), "0", "live", {}),
        (
            an_executor(),
            a_config(auto_trade_until=NOON),
            "0",
            "dry-run",
            {"auto_trade": "auto_trade ended at 2026-03-02 12:00:00 UTC"},
        ),
        (an_executor(ALL_OPEN | {"clock": "vague"}), a_config(), "0", "armed", {"clock": "vague"}),
        (an_executor(ALL_OPEN | {"reconciled": "2"}), a_config(), "0", "armed", {"reconciled": "2"}),
        (an_executor(), a_config(halts=[a_halt()]), "0", "armed", {"halt": "halted by operator: lunch"}),
        (an_executor(), a_config(halts=[a_halt(mode="dry-run")]), "0", "live", {}),
        (
            an_executor(),
            a_config(),
            "1000",
            "armed",
            {"exposure": "max_position_usdt: 1000 are at stake already"},
        ),
        (an_executor(), a_config(), "999.99", "live", {}),
    ],
)
def test_each_closed_gate_has_its_reason(
    executor: ComponentHealth, config: TradeConfig, at_stake: str, trading: str, closed: dict[str, str]
) -> None:
    assert judged(executor, config, at_stake) == (trading, closed)


def test_an_executor_that_is_silent_can_vouch_for_nothing_that_changes() -> None:
    silent = an_executor(status=HealthStatus.ERROR, detail="silent for 30 s, last said running")

    trading, closed = judged(silent, a_config())

    assert trading == "armed"
    assert closed == dict.fromkeys(
        ("executor", "clock", "reconciled"), "the executor is silent for 30 s, last said running"
    )


@pytest.mark.parametrize(
    ("executor", "why"),
    [(None, "the executor was never heard of"), (an_executor({}), "the executor has not told yet")],
)
def test_what_is_not_known_is_closed(executor: ComponentHealth | None, why: str) -> None:
    trading, closed = judged(executor, a_config())

    assert trading == "dry-run"
    assert set(closed.values()) == {why}


GAP = "no health is stored since 2026-03-02 12:00:00 UTC"


@pytest.mark.parametrize(
    "executor",
    [
        an_executor(status=HealthStatus.ERROR, age_seconds=30, detail="silent for 30 s, last said running"),
        an_executor(status=HealthStatus.STOPPED, age_seconds=30),
        None,
    ],
)
def test_an_executor_whose_reports_nobody_stores_may_buy(executor: ComponentHealth | None) -> None:
    trading, closed = judged(executor, a_config(), gap=GAP)

    assert trading == "unknown"
    assert set(closed.values()) == {f"{GAP}: it is not known whether an executor runs"}
    assert {"executor", "clock", "reconciled"} <= set(closed)


@pytest.mark.parametrize(
    ("config", "trading"),
    [(a_config(halts=[a_halt()]), "armed"), (a_config(auto_trade=False), "dry-run")],
)
def test_a_gate_that_the_database_closes_is_closed_whatever_is_stored_of_health(
    config: TradeConfig, trading: str
) -> None:
    silent = an_executor(status=HealthStatus.ERROR, age_seconds=30, detail="silent for 30 s, last said running")

    assert judged(silent, config, gap=GAP)[0] == trading


def test_an_executor_that_was_just_heard_is_known_to_run() -> None:
    assert judged(an_executor(age_seconds=8), a_config(), gap=GAP) == ("live", {})
