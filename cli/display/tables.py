"""Tables, sections and numbers on a terminal."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_MILLION: Final = 1_000_000
PIPE_WIDTH: Final = 10_000
"""Width of an output that is no terminal: its reader expects a row a line."""
LONG_MIN: Final = 16
"""Width left to the last column, which wraps, unless its values are shorter."""


@dataclass(slots=True)
class WholeTable:
    """A table that cuts no cell: where its columns do not fit, each row is a paragraph of `header: value`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, ...]]
    row_styles: Sequence[str] = field(default=())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the grid where it fits, else the paragraphs."""
        whole = Measurement.get(console, options.update_width(PIPE_WIDTH), self._grid()).maximum
        longest = max(cell_len(row[-1]) for row in [self.columns, *self.rows])
        fits = whole - max(longest - LONG_MIN, 0) <= options.max_width
        yield self._grid() if fits else Text("\n").join(self._paragraphs(options.max_width))

    def _grid(self) -> Table:
        drawn = Table(title=self.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        drawn.row_styles = list(self.row_styles)
        *short, long = self.columns
        for column in short:
            drawn.add_column(column, no_wrap=True)
        drawn.add_column(long)
        for row in self.rows:
            drawn.add_row(*map(Text, row))  # Text, so that no cell is read as markup.
        return drawn

    def _paragraphs(self, width: int) -> Iterator[Text]:
        yield Text(f"{self.title}\n", style="bold")
        for row, style in zip_longest(self.rows, self.row_styles[: len(self.rows)], fillvalue=""):
            paragraph, used = Text(style=style), 0
            for name, cell in zip(self.columns, row, strict=True):
                pair = Text.assemble((f"{name}: ", "dim"), cell)
                fits = used + 2 + pair.cell_len <= width
                paragraph.append("" if not used else "  " if fits else "\n").append_text(pair)
                used = pair.cell_len + (used + 2 if used and fits else 0)
            yield paragraph.append("\n")


def table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> WholeTable:
    """Return a table whose last column takes the remaining width."""
    return WholeTable(title, tuple(columns), list(rows))


def show(shown: RenderableType) -> None:
    """Print tables and sections, in whole lines where the output is no terminal and no COLUMNS is set."""
    is_bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(width=None if is_bounded else PIPE_WIDTH).print(shown)


def rounded(amount: Decimal) -> str:
    """Format a price or a quantity with six significant digits; JSON output has all of them."""
    return f"{amount:.0f}" if abs(amount) >= _MILLION else f"{Decimal(f'{amount:.6g}'):f}"


def section(title: str, body: str, *, style: str = "") -> Text:
    """Return lines below a title."""
    return Text.assemble("\n", (f"{title}\n", "bold"), (body, style), "\n")


def milliseconds(measured: int | None) -> str:
    """Format a measured time; a dash for None."""
    return "–" if measured is None else f"{measured} ms"


def signed(number: Decimal, decimals: int) -> str:
    """Format a gain or a loss with its sign, with a typographic minus; zero has none."""
    text = f"{number:+,.{decimals}f}"
    return f"{abs(number):,.{decimals}f}" if not Decimal(text.replace(",", "")) else text.replace("-", "−")
