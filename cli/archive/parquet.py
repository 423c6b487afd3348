"""A day of the archive as Parquet: the columns for those who analyse, beside the row itself, which comes back.

It needs the extra [parquet], and imports it only when a file is packed or unpacked.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Numeric
from sqlalchemy.types import TypeEngine

from cli.archive.manifest import Table
from shared.errors import SettingsError
from shared.postgres.schema.tables import metadata

ROW: Final = "row_json"
"""The column that holds a row as PostgreSQL tells it: nothing is lost in it."""
COMPRESSION: Final = "zstd"
Raw = Mapping[str, bytes]
"""The values of a row, each as its JSON is written."""


def packed(table: Table, lines: Sequence[str]) -> bytes:
    """Return the file that holds *lines*; raise SettingsError without the extra."""
    arrow = _arrow()
    from pyarrow import parquet  # noqa: PLC0415

    raw = [_values(line) for line in lines]
    columns = {ROW: arrow.array(lines, arrow.string())}
    for column in metadata.tables[table].columns:
        kind, read = _kind(arrow, column.type)
        columns[column.name] = arrow.array([_read(row, column.name, read) for row in raw], kind)
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(columns), sink, compression=COMPRESSION)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpacked(content: bytes) -> list[str]:
    """Return the rows in a file's *content*; raise ValueError where it is none, SettingsError without the extra."""
    arrow = _arrow()
    from pyarrow import parquet  # noqa: PLC0415

    try:
        rows: list[str] = parquet.read_table(arrow.BufferReader(content), columns=[ROW])[ROW].to_pylist()
    except (OSError, KeyError, arrow.ArrowException) as error:
        raise ValueError(str(error)) from None
    return rows


def _arrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415
    except ImportError:
        raise SettingsError("files in Parquet need the extra [parquet], which is not installed here") from None
    return pa


def _kind(arrow: Any, declared: TypeEngine[Any]) -> tuple[Any, Callable[[bytes], Any]]:
    """Return the type of a column there, and what reads a value of it."""
    match declared:
        case BigInteger():
            return arrow.int64(), int
        case Integer():
            return arrow.int32(), int
        case Boolean():
            return arrow.bool_(), json.loads
        case DateTime():
            return arrow.timestamp("us", tz="UTC"), lambda raw: datetime.fromisoformat(json.loads(raw))
        case Numeric(precision=int(precision), scale=int(scale)):
            return arrow.decimal128(precision, scale), lambda raw: Decimal(raw.decode())
        case _:
            return arrow.string(), _text


def _text(raw: bytes) -> str:
    """Return a text as it is; numbers without bounds and JSON as they are written, to the last digit."""
    value = json.loads(raw)
    return value if isinstance(value, str) else raw.decode()


def _values(line: str) -> Raw:
    return {name: bytes(raw) for name, raw in msgspec.json.decode(line, type=dict[str, msgspec.Raw]).items()}


def _read(row: Raw, name: str, read: Callable[[bytes], Any]) -> Any:
    raw = row.get(name, b"null")
    return None if raw == b"null" else read(raw)
