import re
from pathlib import Path

import pytest
import structlog

from cli.env_check import SETTINGS, known, unknown, warn_about_unknown

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITHOUT_A_DEFAULT_OF_THEIR_OWN = {"SNIPER_EXECUTOR_ORDER_USDT", "SNIPER_MEXC_WEB_URL", "SNIPER_INGEST_QUOTE_ASSETS"}
"""Excluded: defaults taken from another setting, and sets, which have no order."""


def test_a_misspelt_variable_is_told_with_what_was_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {"SNIPER_EXECUTOR_ORDERUSDT": "5", "PATH": "/bin"})
    Path(".env").write_text("SNIPER_EXECUTOR_ORDER_USDT=5\nSNIPER_LOGLEVEL=debug\n")

    with structlog.testing.capture_logs() as logs:
        warn_about_unknown()

    assert [(line["variable"], line["meant"]) for line in logs] == [
        ("SNIPER_EXECUTOR_ORDERUSDT", "SNIPER_EXECUTOR_ORDER_USDT"),
        ("SNIPER_LOGLEVEL", "SNIPER_LOG_LEVEL"),
    ]


def test_variables_of_kubernetes_are_named_once_as_what_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    links = {
        "SNIPER_API_PORT": "tcp://10.0.0.1:8000",
        "SNIPER_API_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "SNIPER_API_PORT_8000_TCP_ADDR": "10.0.0.1",
        "SNIPER_API_PORT_8000_TCP_PORT": "8000",
        "SNIPER_API_PORT_8000_TCP_PROTO": "tcp",
        "SNIPER_API_SERVICE_HOST": "10.0.0.1",
        "SNIPER_API_SERVICE_PORT": "8000",
        "SNIPER_API_SERVICE_PORT_HTTP": "8000",
        "SNIPER_PORT": "tcp://10.0.0.2:80",
        "SNIPER_SERVICE_HOST": "10.0.0.2",
    }
    monkeypatch.setattr("os.environ", links | {"SNIPER_APIPORT": "1", "OTHER_PORT": "tcp://10.0.0.3:1"})

    with structlog.testing.capture_logs() as logs:
        warn_about_unknown()

    assert [(line["event"], line.get("variables")) for line in logs] == [
        ("variables of Kubernetes, ignored: set enableServiceLinks: false on the pod", sorted(links)),
        ("unknown setting, ignored", None),
    ]
    assert logs[1]["meant"] == "SNIPER_API_PORT"


def test_a_port_of_our_own_is_no_variable_of_kubernetes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", {"SNIPER_API_PORT": "8000", "SNIPER_METRICS_PORT": "0"})

    with structlog.testing.capture_logs() as logs:
        warn_about_unknown()

    assert logs == []


def test_what_is_read_is_known_in_any_case() -> None:
    assert unknown(["sniper_live", "SNIPER_MEXC_API_SECRET", "SNIPER_INGEST_STALL_SECONDS", "HOME"]) == []


def test_every_variable_that_is_documented_is_known() -> None:
    documented = {page.name: set(re.findall(r"`(SNIPER_[A-Z0-9_]+)", page.read_text())) for page in PAGES}

    assert {page: names - known() for page, names in documented.items() if names - known()} == {}
    assert len(documented["README.md"]) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_defaults_in_tables_are_those_of_the_code(page: Path) -> None:
    defaults = {
        f"{settings.model_config['env_prefix']}{name}".upper(): field.default
        for settings in SETTINGS
        for name, field in settings.model_fields.items()
    }
    for names, values in re.findall(r"^\| (`SNIPER_[^|]+) \| (`[^|]+`) \|", page.read_text(), re.MULTILINE):
        for name, value in zip(re.findall("`([^`]+)`", names), re.findall("`([^`]+)`", values), strict=True):
            if name not in WITHOUT_A_DEFAULT_OF_THEIR_OWN:
                assert value in {str(defaults[name]), *_spellings(defaults[name])}, name


def _spellings(default: object) -> set[str]:
    match default:
        case bool():
            return {str(default).lower()}
        case float():
            return {f"{default:g}"}
        case frozenset():
            return {",".join(sorted(default))}
        case _:
            return set()
