"""Dashboard of panels in rows, each with its queries, and its rendering for Grafana."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Kind = Literal["lines", "number", "heat"]
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
_COLUMNS: Final = 24
_HEIGHT: Final = 7
_LEGEND_BELOW: Final = (
    common.VizLegendOptions()
    .show_legend(show_legend=True)
    .display_mode(LegendDisplayMode.LIST)
    .placement(LegendPlacement.BOTTOM)
)


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL query, and the labels that distinguish its series."""

    expr: str
    by: Sequence[str] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Panel of a dashboard; *unit* in Grafana's terms."""

    title: str
    queries: Sequence[Query]
    kind: Kind = "lines"
    unit: str = "short"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """Dashboard with its panels, row by row."""

    uid: str
    title: str
    rows: Sequence[Sequence[Panel]]


def show(
    title: str,
    expr: str,
    *by: str,
    kind: Kind = "lines",
    unit: str = "short",
    about: str = "",
) -> Panel:
    """Return a panel of one query."""
    return Panel(title, [Query(expr, by)], kind, unit, about)


def quantile(title: str, histogram: str, *by: str, of: float = 0.95, unit: str = "s") -> Panel:
    """Return a panel of a quantile; heat maps show the whole of *histogram*."""
    labels = ", ".join((*by, "le"))
    expr = f"histogram_quantile({of}, sum by ({labels}) (rate({histogram}[$__rate_interval])))"
    return show(title, expr, *by, unit=unit)


def heat(title: str, histogram: str, selector: str = "") -> Panel:
    """Return a heat map of *histogram*."""
    return show(title, f"sum by (le) (increase({histogram}{selector}[$__rate_interval]))", "le", kind="heat", unit="s")


def render(board: Board) -> str:
    """Return *board* as the JSON that Grafana reads."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["sniper"])
        .timezone("utc")
        .refresh("10s")
        .time("now-1h", "now")
        .editable()
    )
    for number, row in enumerate(board.rows):
        width = _COLUMNS // len(row)
        for place, panel in enumerate(row):
            made = made.with_panel(build_panel(panel, GridPos(_HEIGHT, width, place * width, number * _HEIGHT)))
    return str(JSONEncoder(sort_keys=True, indent=2).encode(made.build())) + "\n"


def build_panel(panel: Panel, at: GridPos) -> heatmap.Panel | stat.Panel | timeseries.Panel:
    built: heatmap.Panel | stat.Panel | timeseries.Panel
    if panel.kind == "heat":
        built = heatmap.Panel().calculate(calculate=False)
    elif panel.kind == "number":
        built = stat.Panel()
    else:
        built = timeseries.Panel().legend(_LEGEND_BELOW)
    built.title(panel.title).description(panel.about).unit(panel.unit).datasource(SOURCE).grid_pos(at)
    for number, query in enumerate(panel.queries):
        labels = " ".join(f"{{{{{label}}}}}" for label in query.by)
        legend = " ".join(filter(None, (query.name, labels)))
        target = prometheus.Dataquery().expr(query.expr).legend_format(legend).datasource(SOURCE)
        target = target.format(PromQueryFormat.HEATMAP if panel.kind == "heat" else PromQueryFormat.TIME_SERIES)
        built.with_target(target.ref_id(chr(ord("A") + number)))
    return built
