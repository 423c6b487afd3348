"""Table of structural figures per package and folder, and a check of their limits.

`python -m tests.tools.structure [PATH ...]` prints the table; `--check` names each limit that is passed, and exits 1.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from tests.tools.measures import Figures, Measured, figures, measured
from tests.tools.sources import PACKAGES, SourceError, modules_in

ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest values allowed; those that end in *below* must not be reached."""

    function_median: float = 6
    function_p95: float = 20
    function_lines: int = 45
    file_lines: int = 250
    lone_share_below: float = 0.15
    """Share of functions that are helpers mentioned once, in each folder."""
    imports_mean: float = 4.4
    """Own modules imported by a module, over everything measured.

    The limit is the figure as it stands, so that it does not rise.
    """
    wh_summaries: int = 0
    folder_modules: int = 15
    folder_modules_of: Mapping[str, int] = field(default_factory=lambda: {"executor": 6})
    """Folders with a limit of their own."""
    per_words_below: Mapping[str, float] = field(default_factory=lambda: {"tell": 3, "whoever": 3, "what is": 10})
    """Mentions per 10,000 words, over everything measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a folder alone, or of a package with all its folders."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of everything, of each package with its folders, and of each folder alone."""

    modules: Sequence[Measured]
    total: Figures
    packages: Sequence[Row]
    folders: Sequence[Row]


def report_of(paths: Sequence[str]) -> Report:
    """Measure the files in *paths*; raise SourceError where there are none."""
    own = {module.name for module in modules_in(PACKAGES)}
    modules = [measured(module, own) for module in modules_in(paths)]
    if not modules:
        raise SourceError(f"{', '.join(paths)}: no Python files")
    return summed_up(modules)


def summed_up(modules: Sequence[Measured]) -> Report:
    """Combine *modules* by package and by folder."""
    packages: dict[str, list[Measured]] = {}
    folders: dict[str, list[Measured]] = {}
    for each in modules:
        packages.setdefault(each.module.path.parts[0], []).append(each)
        folders.setdefault(each.module.folder, []).append(each)
    return Report(
        modules,
        figures(modules),
        [Row(name, figures(held)) for name, held in packages.items()],
        [Row(name, figures(held)) for name, held in folders.items()],
    )


def exceeded(report: Report, limits: Limits) -> Iterator[str]:
    """Yield each limit that is passed, with the file or folder that passes it."""
    yield from _totals_exceeded(report, limits)
    for folder in report.folders:
        yield from _folder_exceeded(folder, limits)
    for module in report.modules:
        yield from _module_exceeded(module, limits)
    if report.total.wh_summaries > limits.wh_summaries:
        for module in report.modules:
            if module.has_wh_summary:
                yield f"{module.file.name}: module summary starts with a wh-word"


def _totals_exceeded(report: Report, limits: Limits) -> Iterator[str]:
    for row in (Row(ALL, report.total), *report.packages):
        if row.figures.function_median > limits.function_median:
            yield f"{row.name}: function median {row.figures.function_median:g} > {limits.function_median:g} lines"
        if row.figures.function_p95 > limits.function_p95:
            yield f"{row.name}: function p95 {row.figures.function_p95:g} > {limits.function_p95:g} lines"
    if report.total.imports_mean > limits.imports_mean:
        most = report.total.imports_max
        mean = f"{report.total.imports_mean:.2f} > {limits.imports_mean:g}"
        yield f"{ALL}: own imports per module {mean}, most ({most.lines}) in {most.name}"
    for name, below in limits.per_words_below.items():
        if report.total.per_words[name] >= below:
            yield f"{ALL}: {name!r} {report.total.per_words[name]:.1f} >= {below:g} per 10,000 words"


def _folder_exceeded(folder: Row, limits: Limits) -> Iterator[str]:
    modules_max = limits.folder_modules_of.get(folder.name, limits.folder_modules)
    if folder.figures.modules > modules_max:
        yield f"{folder.name}/: {folder.figures.modules} > {modules_max} modules"
    if folder.figures.lone_share >= limits.lone_share_below:
        share = f"{folder.figures.lone_share:.1%} >= {limits.lone_share_below:.0%}"
        counts = f"{folder.figures.lone_helpers} of {folder.figures.functions} functions"
        yield f"{folder.name}/: helpers mentioned once {share} ({counts})"


def _module_exceeded(each: Measured, limits: Limits) -> Iterator[str]:
    if each.file.lines > limits.file_lines:
        yield f"{each.file.name}: {each.file.lines} > {limits.file_lines} lines"
    for function in each.functions:
        if function.lines > limits.function_lines:
            yield f"{function.name}: {function.lines} > {limits.function_lines} lines"


COLUMNS: Final = (
    "",
    "modules",
    "functions",
    "median",
    "p95",
    "longest function",
    "longest file",
    "lone helpers",
    "own imports",
    "most imports",
    "wh",
    "tell",
    "whoever",
    "what is",
    "retry",
)


def table_of(report: Report) -> Table:
    """Return the total, each package, and the folders of packages that have several."""
    table = Table(*COLUMNS, box=box.SIMPLE, pad_edge=False)
    table.add_row(*_cells(ALL, report.total))
    for package in report.packages:
        table.add_row(*_cells(package.name, package.figures))
        folders = [each for each in report.folders if each.name.split("/")[0] == package.name]
        if len(folders) > 1:
            for each in folders:
                table.add_row(*_cells(f"  {each.name}/", each.figures), style="dim")
    return table


def _cells(name: str, row: Figures) -> Sequence[str]:
    return (
        name,
        f"{row.modules}",
        f"{row.functions}",
        f"{row.function_median:g}",
        f"{row.function_p95:g}",
        f"{row.function_max.lines} {_last(row.function_max.name)}",
        f"{row.file_max.lines} {_last(row.file_max.name)}",
        f"{row.lone_helpers} ({row.lone_share:.1%})",
        f"{row.imports_mean:.2f}",
        f"{row.imports_max.lines} {_last(row.imports_max.name)}",
        f"{row.wh_summaries}",
        *(f"{each:.1f}" for each in row.per_words.values()),
    )


def _last(name: str) -> str:
    """Return the last part of a path, which fits into a cell."""
    return name.rpartition("/")[2]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.structure", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="packages, folders or files; all packages by default")
    parser.add_argument("--check", action="store_true", help="name each limit that is passed, and exit 1")
    given = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False)
    try:
        report = report_of(given.paths or PACKAGES)
    except SourceError as error:
        parser.error(str(error))
    if not given.check:
        console.print(table_of(report))
        return 0
    passed = list(exceeded(report, Limits()))
    console.print("\n".join(passed) or "Every limit of the structure is kept.", soft_wrap=True, markup=False)
    return int(bool(passed))


if __name__ == "__main__":
    sys.exit(main())
