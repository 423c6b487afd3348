"""The profile of a first run applies to unset fields alone."""

from itertools import islice

import pytest

from cli.composing import first_run
from executor.settings import ExecutorSettings, ExitSeeds
from shared.control.exit_policy import ExitPolicy
from simulator.settings import SimulatorSettings
from simulator.symbols.scenario_order import FIRST_ROUND


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("HOLDING_SECONDS_MAX", "ORDERS_PER_DAY"):
        monkeypatch.delenv(f"SNIPER_EXECUTOR_{name}", raising=False)


def test_the_profile_raises_limits_and_leaves_the_rest_alone() -> None:
    plain = ExecutorSettings()
    settings = first_run.with_profile(plain)

    changed = {name for name in ExecutorSettings.model_fields if getattr(plain, name) != getattr(settings, name)}
    assert changed == set(first_run.PROFILE)
    assert first_run.limits(settings) == (
        "100,000 orders a day, 10,000,000 USDT a day, a request weight of 600 in 10 s"
    )


def test_a_first_run_begins_with_every_kind_of_exit() -> None:
    policy = ExitPolicy.model_validate(first_run.exits_at_first(ExitSeeds()))

    assert first_run.exits(policy) == "stop-loss 15 %, take-profit 50 %, trailing stop 10 %, holding time 60 s"


def test_what_is_set_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNIPER_EXECUTOR_HOLDING_SECONDS_MAX", "5")
    monkeypatch.setenv("SNIPER_EXECUTOR_ORDERS_PER_DAY", "3")

    settings = first_run.with_profile(ExecutorSettings())

    assert settings.orders_per_day == 3
    assert settings.daily_spend_usdt == first_run.PROFILE["daily_spend_usdt"]
    assert first_run.exits_at_first(ExitSeeds())["holding_seconds_max"] == 5


def test_times_shrink_with_the_scenarios() -> None:
    assert first_run.exits_at_first(ExitSeeds(), speed=4)["holding_seconds_max"] == 15
    assert list(islice(first_run.waits(4), 9)) == [2] * 7 + [5] * 2


def test_the_first_coins_are_one_of_each_scenario() -> None:
    assert len(FIRST_ROUND) == first_run.FIRST_COINS


def test_the_simulator_allows_what_the_profile_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(first_run.simulator_options(SimulatorSettings())) == [
        "--requests-per-second=100",
        "--weight-per-10-seconds=1500",
    ]
    monkeypatch.setenv("SNIPER_SIMULATOR_REQUESTS_PER_SECOND", "7")
    assert list(first_run.simulator_options(SimulatorSettings())) == ["--weight-per-10-seconds=1500"]
