"""How lists are drawn on a terminal."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

_MILLION: Final = 1_000_000


def table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a table whose last column takes what room there is."""
    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    *short, long = columns
    for column in short:
        drawn.add_column(column, no_wrap=True)
    drawn.add_column(long)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # Text, so that no cell is read as markup.
    return drawn


def rounded(amount: Decimal) -> str:
    """Write a price or a quantity in as many digits as a person reads; JSON has all of them."""
    return f"{amount:.0f}" if abs(amount) >= _MILLION else f"{Decimal(f'{amount:.6g}'):f}"


def section(title: str, body: str, *, style: str = "") -> Text:
    """Return lines below a title."""
    return Text.assemble("\n", (f"{title}\n", "bold"), (body, style), "\n")


def milliseconds(measured: int | None) -> str:
    """Return a time that was measured, or a dash for one that was not."""
    return "–" if measured is None else f"{measured} ms"


def signed(number: Decimal, decimals: int) -> str:
    """Write a gain or a loss with its sign, the minus as typographers do; nought has none."""
    text = f"{number:+,.{decimals}f}"
    return f"{abs(number):,.{decimals}f}" if not Decimal(text.replace(",", "")) else text.replace("-", "−")
