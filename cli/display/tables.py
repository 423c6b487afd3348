"""Tables, sections and numbers on a terminal."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

_MILLION: Final = 1_000_000


def table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a table whose last column takes the remaining width."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    *short, long = columns
    for column in short:
        drawn.add_column(column, no_wrap=True)
    drawn.add_column(long)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # Text, so that no cell is read as markup.
    return drawn


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
