"""The simulator's page documents all faults, scenarios and settings."""

from pathlib import Path

from simulator.faults.registry import KINDS
from simulator.rest.endpoints import ENDPOINTS
from simulator.symbols.scenarios import BOUNDS, Scenario

PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_every_fault_is_documented_as_its_row_says() -> None:
    missing = [
        kind.name
        for kind in KINDS.values()
        if f"| `{kind.name}` | `{kind.endpoint}` |" not in PAGE or f"| {kind.summary} |" not in PAGE
    ]

    assert missing == []


def test_every_endpoint_is_documented() -> None:
    assert [each.name for each in ENDPOINTS if each.path.removeprefix("/api/v3/") not in PAGE] == []


def test_every_scenario_is_documented_with_its_bounds() -> None:
    rows = [f"| `{scenario}` | {lowest:.2f}, {highest:.2f} |" for scenario, (lowest, highest) in BOUNDS.items()]

    assert [row for row in rows if row not in PAGE] == []
    assert set(BOUNDS) == set(Scenario)
