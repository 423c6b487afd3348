"""Prometheus' configuration where the express way takes the place of ingest and the executor; derived."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = "deploy/prometheus"
CONFIGURATION: Final = f"{FOLDER}/express.yml"
EXPECTED: Final = f"{FOLDER}/expected_express.yml"
_PARTS: Final = frozenset({"ingest", "executor"})
_EXPRESS: Final = "express"
_HEAD: Final = "# Made by `make contract` from {name}: {express} in the place of ingest and the executor.\n"
_ROOT: Final = Path(__file__).parents[1]


def files() -> Mapping[str, str]:
    """Return the text of each derived file by its path."""
    configuration, expected = _read("prometheus.yml"), _read("expected.yml")
    [targets] = configuration["scrape_configs"][0]["static_configs"]
    targets["targets"] = _in_its_place(targets["targets"], lambda target: target.partition(":")[0], "express:9464")
    configuration["rule_files"] = [
        Path(EXPECTED).name if each == "expected.yml" else each for each in configuration["rule_files"]
    ]
    [group] = expected["groups"]
    rule = {**group["rules"][0], "labels": {"service": _EXPRESS}}
    group["rules"] = _in_its_place(group["rules"], lambda each: each["labels"]["service"], rule)
    return {CONFIGURATION: _dumped("prometheus.yml", configuration), EXPECTED: _dumped("expected.yml", expected)}


def _in_its_place(entries: list[Any], service: Callable[[Any], str], express: Any) -> list[Any]:
    """Return *entries* with one for the express way ahead of those that are left."""
    return [express, *(each for each in entries if service(each) not in _PARTS)]


def _read(name: str) -> Any:
    return yaml.safe_load((_ROOT / FOLDER / name).read_text(encoding="utf-8"))


def _dumped(name: str, document: Any) -> str:
    dumped = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return _HEAD.format(name=name, express=_EXPRESS) + dumped
