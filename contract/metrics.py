"""Reference of metrics, read from their definitions in the source."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SERVICES: Final = ("ingest", "dedup", "executor", "cli", "persister", "api", "notifier", "shared")
_KINDS: Final = {
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "Gauge": "gauge",
    "GaugeMetricFamily": "gauge",
    "Histogram": "histogram",
}
_PREFIX: Final = "sniper_"
_ABOUT: Final = """# Metrics

Every process serves `/metrics` on `SNIPER_METRICS_PORT` (9464); those of `shared` are every process's.
No symbol and no id is a label. This page follows the definitions in the source: `make contract` writes it.
The [runbook](runbook.md) has the alerts, `deploy/grafana` the dashboards.
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """Metric with its type, labels and help text."""

    name: str
    kind: str
    labels: Sequence[str]
    meaning: str


@cache
def definitions_of(service: str) -> Sequence[Definition]:
    """Return the metrics defined in the modules of *service*, sorted by name."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((ROOT / service).rglob("*.py")))
    trees = (ast.parse(text) for text in texts if _PREFIX in text)
    return sorted((each for tree in trees for each in _definitions(tree)), key=lambda each: each.name)


def render() -> str:
    """Return the reference as a page."""
    lines = [_ABOUT]
    for service in SERVICES:
        lines.append(f"## {service}\n\n| metric | kind | labels | what it shows |\n| --- | --- | --- | --- |")
        for each in definitions_of(service):
            labels = ", ".join(f"`{label}`" for label in each.labels)
            lines.append(f"| `{each.name}` | {each.kind} | {labels} | {each.meaning.rstrip('.')} |")
        lines.append("")
    return "\n".join(lines)


def _definitions(tree: ast.Module) -> Iterator[Definition]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(texts) > 1 and texts[0].startswith(_PREFIX):
                kind = _KINDS[node.func.id]
                name = texts[0].removesuffix("_total") + "_total" if kind == "counter" else texts[0]
                yield Definition(name, kind, tuple(_labels(node)), texts[1])


def _labels(node: ast.Call) -> Iterator[str]:
    named = [each.value for each in node.keywords if each.arg in {"labels", "labelnames"}]
    for each in (*node.args[2:3], *named):
        if isinstance(each, ast.List | ast.Tuple):
            yield from (str(label.value) for label in each.elts if isinstance(label, ast.Constant))
