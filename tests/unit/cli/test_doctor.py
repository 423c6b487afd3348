"""Broker needs of each service against the permissions of its user, and judgements of figures."""

import re

import pytest

from cli.composing.services import NAMES
from cli.doctor.broker import judge_version
from cli.doctor.finding import Verdict
from cli.doctor.machine import judge_disk
from cli.doctor.needs import NEEDS
from contract.rights import RIGHTS, Rights

GIB = 1024**3


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
