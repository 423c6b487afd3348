"""Report of the results, as a table and as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.table import Table

from bench.figures import Figures, Result

RESULTS: Final = Path(__file__).parent / "results" / "latest.json"


def table(results: Mapping[str, Result]) -> Table:
    """Return a table with a line per benchmark, and its floor below."""
    shown = Table(title="Ours, and below it the bare floor in the same run", title_justify="left")
    shown.add_column("benchmark", no_wrap=True)
    for heading in ("p50 ms", "p99 ms", "per s", "p50", "p99", "rate"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for name, result in results.items():
        rate = "" if result.ratio_rate is None else f"{result.ratio_rate:.2f}×"
        ratios = (f"{result.ratio_p50:.2f}×", f"{result.ratio_p99:.2f}×", rate)
        shown.add_row(f"[bold]{name}[/]", *_cells(result.ours), *ratios)
        shown.add_row("  floor", *_cells(result.floor), "", "", "", style="dim", end_section=True)
    return shown


def details(results: Mapping[str, Result]) -> list[str]:
    """Return the measured intervals and the extra figures, a line each."""
    return [
        f"{name}: {line}"
        for name, result in results.items()
        for line in (result.what, *(f"{key} {value}" for key, value in result.extra.items()))
    ]


def save(results: Mapping[str, Result], machine: Mapping[str, object], path: Path) -> None:
    """Write an object with an entry per benchmark, and one for the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {name: result.as_json() for name, result in results.items()}
    path.write_text(json.dumps({"machine": dict(machine), **entries}, indent=2, ensure_ascii=False) + "\n")


def _cells(figures: Figures) -> tuple[str, str, str]:
    rate = "" if figures.per_s is None else f"{figures.per_s:,.0f}"
    return f"{figures.p50_ms:.2f}", f"{figures.p99_ms:.2f}", rate
