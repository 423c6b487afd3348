"""A day of the archive as Parquet: typed columns for analysis, beside the row as JSON, which is restored.

Needs the extra [parquet], which is imported only when a file is packed or unpacked.
"""

import json
from collections.abc import Callable, Sequence
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
"""The column that holds a row as PostgreSQL's JSON, without loss."""
COMPRESSION: Final = "zstd"


def packed(table: Table, lines: Sequence[str]) -> bytes:
    """Return the file that holds *lines*; raise SettingsError without the extra."""
    arrow = _arrow()
    from pyarrow import parquet  # noqa: PLC0415

    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    raw = [{name: bytes(each) for name, each in decoder.decode(line).items()} for line in lines]
    columns = {ROW: arrow.array(lines, arrow.string())}
    for column in metadata.tables[table].columns:
        kind, read = column_type(arrow, column.type)
        values = (row.get(column.name, b"null") for row in raw)
        columns[column.name] = arrow.array([None if each == b"null" else read(each) for each in values], kind)
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(columns), sink, compression=COMPRESSION)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpacked(content: bytes) -> list[str]:
    """Return the rows in a file's *content*; raise ValueError if that fails, SettingsError without the extra."""
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


def column_type(arrow: Any, declared: TypeEngine[Any]) -> tuple[Any, Callable[[bytes], Any]]:
    """Return the Arrow type of a column, and the function that parses its values."""
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
            return arrow.string(), plain_text


def plain_text(raw: bytes) -> str:
    """Return a text unquoted; unbounded numbers and JSON verbatim, to the last digit."""
    value = json.loads(raw)
    return value if isinstance(value, str) else raw.decode()
