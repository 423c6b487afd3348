import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from contract.definitions import definitions
from contract.rights import NOTHING, RIGHTS
from shared.wire.topology import NOTIFYING
from tests.support.deployment.broker_users import PASSWORDS


def run(directory: Path, given: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(PASSWORDS), str(directory)]
    return subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)


def test_no_user_comes_with_a_password_or_a_tag() -> None:
    assert {(user["password_hash"], *user["tags"]) for user in definitions()["users"]} == {("",)}


def test_only_readers_may_declare() -> None:
    may = {rights.user for rights in RIGHTS if rights.permission()["configure"] != NOTHING}

    assert may == {"reader"}


@pytest.mark.parametrize("absent", [{"express"}, {"ingest", "executor"}], ids=["normal", "express"])
def test_every_queue_has_one_user_that_consumes_it(absent: set[str]) -> None:
    consumed = [queue.name for rights in RIGHTS for queue in rights.consumes if rights.user not in absent]

    assert sorted(consumed) == sorted(queue.name for queue in NOTIFYING.queues if queue.name != "sniper.dead")


@pytest.mark.parametrize("rights", RIGHTS, ids=lambda rights: rights.user)
def test_every_topic_exchange_that_a_user_reaches_is_bounded(rights: Any) -> None:
    topics = {exchange.name for exchange in (*rights.publishes, *rights.binds) if exchange.kind == "topic"}

    assert set(rights.topic_permissions()) == topics
    assert all(".*" not in patterns.values() for patterns in rights.topic_permissions().values())


def test_a_password_becomes_a_salted_hash(tmp_path: Path) -> None:
    (tmp_path / "sniper-dedup").write_text("swordfish\n")

    ended = run(tmp_path, definitions())

    hashes = {user["name"]: user["password_hash"] for user in json.loads(ended.stdout)["users"]}
    stored = base64.b64decode(hashes.pop("sniper-dedup"))
    assert stored[4:] == hashlib.sha256(stored[:4] + b"swordfish").digest()
    assert set(hashes.values()) == {""}
    assert "swordfish" not in ended.stdout


def test_an_empty_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sniper-dedup").write_text("\n")

    ended = run(tmp_path, definitions())

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "sniper-dedup: is empty" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["/nonexistent"]])
def test_a_missing_directory_is_named(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, str(PASSWORDS), *arguments],
        input=json.dumps(definitions()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_the_express_way_may_do_what_ingest_and_the_executor_may_and_nothing_else() -> None:
    rights = {each.user: each for each in RIGHTS}
    both, express = (rights["ingest"], rights["executor"]), rights["express"]

    assert [*express.consumes] == [queue for each in both for queue in each.consumes]
    for exchange, pattern in express.publishes.items():
        own = {key for each in both for key in KEYS if re.search(each.publishes.get(exchange, NOTHING), key)}
        assert own == {key for key in KEYS if re.search(pattern, key)}
    assert set(express.publishes) == {exchange for each in both for exchange in each.publishes}


KEYS: Final = (
    *("raw.mexc_websocket", "raw.mexc_rest_api", "raw.test_injection", "canary.raw", "canary.detected"),
    *("health.ingest", "health.executor", "health.exits", "health.dedup", "health.ingest.trade", "trade.live.filled"),
    *("listing.detected", "listing.rescheduled", "trade.live", "a.trade.live.filled", "health.ingestion"),
)
"""Routing keys, and what looks like one."""
