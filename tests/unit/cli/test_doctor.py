"""Broker needs of each service against the permissions of its user, and judgements of figures."""

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.schemas import TradeConfig
from cli.composing.services import NAMES
from cli.doctor.broker import judge_version
from cli.doctor.finding import Verdict
from cli.doctor.limits import judge_limits
from cli.doctor.machine import judge_directory, judge_disk, keeps_data
from cli.doctor.needs import NEEDS
from cli.doctor.report import judge_secrets
from cli.operating.status import Status
from contract.rights import RIGHTS, Rights

GIB = 1024**3


@pytest.mark.parametrize(
    ("trading", "limit", "verdict"),
    [
        ("live", None, Verdict.NOTE),
        ("armed", None, Verdict.NOTE),
        ("live", Decimal(50), Verdict.WELL),
        ("dry-run", None, Verdict.WELL),
    ],
)
def test_doctor_names_live_trading_without_a_daily_loss_limit(
    trading: str, limit: Decimal | None, verdict: Verdict
) -> None:
    constructed: Any = TradeConfig.model_construct, Status.model_construct
    config = constructed[0](max_trade_usdt=Decimal(10), max_position_usdt=Decimal(1000), daily_loss_usdt_max=limit)
    found = judge_limits(constructed[1](config=config, exposure=[], trading=trading))

    assert found.verdict is verdict
    assert ("daily_loss_usdt_max" in found.advice) is (verdict is Verdict.NOTE)


def test_an_env_file_that_only_another_user_may_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> list[str]:
        raise PermissionError(13, "Permission denied", ".env")

    monkeypatch.setattr("cli.env_check.secrets_others_may_read", refused)

    assert judge_secrets().told == "not looked at: .env cannot be read"


def test_every_service_is_known() -> None:
    assert set(NEEDS) == set(NAMES)


@pytest.mark.parametrize("rights", [each for each in RIGHTS if each.user in NEEDS], ids=lambda rights: rights.user)
def test_what_a_service_needs_is_what_its_user_may_do(rights: Rights) -> None:
    needs = NEEDS[rights.user]

    assert set(needs.consumes) == set(rights.consumes)
    assert all(re.search(rights.publishes[exchange], key) for exchange, key in needs.publishes)
    assert {exchange for exchange in rights.publishes if exchange.kind == "topic"} == {
        exchange for exchange, _ in needs.publishes
    }


@pytest.mark.parametrize(
    ("total", "free", "verdict"),
    [
        (100 * GIB, 50 * GIB, Verdict.WELL),
        (100 * GIB, 4 * GIB, Verdict.WRONG),
        (10 * GIB, GIB - 1, Verdict.WRONG),
        (10 * GIB, GIB, Verdict.WELL),
    ],
)
def test_a_disk_is_full_below_a_gibibyte_or_a_twentieth(total: int, free: int, verdict: Verdict) -> None:
    assert judge_disk(total, free).verdict is verdict


@pytest.mark.parametrize(("is_needed", "verdict"), [(True, Verdict.WRONG), (False, Verdict.NOTE)])
def test_a_directory_that_cannot_be_written_to_is_wrong_where_data_is_kept_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_needed: bool, verdict: Verdict
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    found = judge_directory(tmp_path / "data", tmp_path, is_needed=is_needed)

    assert (found.verdict, bool(found.advice)) == (verdict, is_needed)
    assert f"{tmp_path}, where {tmp_path}/data would be made, cannot be written to" in found.told


@pytest.mark.parametrize(
    ("url", "kept"), [("", True), ("postgresql://sniper@database/sniper", False), ("mysql://database/sniper", False)]
)
def test_data_is_kept_in_the_directory_only_by_the_database_of_our_own(
    monkeypatch: pytest.MonkeyPatch, url: str, kept: bool
) -> None:
    monkeypatch.setenv("SNIPER_DATABASE_URL", url)

    assert keeps_data() is kept


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ("RabbitMQ 3.10.8", Verdict.WELL),
        ("RabbitMQ 4.1.0", Verdict.WELL),
        ("RabbitMQ 3.9.29", Verdict.WRONG),
        ("LavinMQ 2.0.0", Verdict.NOTE),
        ("", Verdict.NOTE),
    ],
)
def test_a_broker_is_judged_by_how_it_calls_itself(told: str, verdict: Verdict) -> None:
    assert judge_version(told).verdict is verdict
