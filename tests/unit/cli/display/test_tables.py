from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from cli.display.tables import rounded, show, signed, table


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("514.734783783783", "514.735"),
        ("1E-12", "0.000000000001"),
        ("0.00000000012345678", "0.000000000123457"),
        ("560.56", "560.56"),
        ("0", "0"),
        ("1234567890.123", "1234567890"),
    ],
)
def test_amounts_are_written_in_as_many_digits_as_a_person_reads(amount: str, written: str) -> None:
    assert rounded(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [("12.346", "+12.35"), ("-1234.5", "−1,234.50"), ("0", "0.00"), ("-0.001", "0.00"), ("0.005", "0.00")],
)
def test_gains_and_losses_have_a_sign(number: str, written: str) -> None:
    assert signed(Decimal(number), 2) == written


COLUMNS = ("opened (UTC)", "symbol", "quantity", "state")
ROWS = [
    ("11-30 00:28:12", "ORVEXORUSDT", "26.2949", "closed: +49.35 USDT (+51.78 %)"),
    ("11-30 00:28:36", "LUNEXLUUSDT", "0.26316", "open"),
]


def shown(width: int) -> str:
    console = Console(width=width, file=StringIO(), force_terminal=True, color_system=None, legacy_windows=False)
    console.print(table("Positions", COLUMNS, ROWS))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_a_table_shows_every_cell_whole_however_narrow_the_terminal_is(width: int) -> None:
    text = " ".join(shown(width).split())
    assert "…" not in text
    for cell in {cell for row in ROWS for cell in row}:
        assert cell in text
    assert all(len(line) <= width for line in shown(width).splitlines())


def test_a_row_has_a_line_of_its_own_where_there_is_room() -> None:
    lines = [line for line in shown(80).splitlines() if "ORVEXORUSDT" in line]
    assert [all(cell in line for cell in ROWS[0]) for line in lines] == [True]


def test_where_a_table_does_not_fit_each_value_has_its_header() -> None:
    text = shown(40)
    assert "symbol: ORVEXORUSDT" in text
    assert "quantity: 0.26316" in text


def test_a_pipe_gets_each_row_on_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show(table("Positions", COLUMNS, [(*ROWS[0][:3], "word " * 60 + "end")]))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "ORVEXORUSDT" in line]
    assert line.rstrip().endswith("end")


def test_a_width_that_is_set_counts_for_a_pipe_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show(table("Positions", COLUMNS, ROWS))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40
