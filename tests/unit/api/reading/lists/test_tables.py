"""Fields of answers match the columns of their tables, as lists are read without models."""

from typing import Final

import pytest
from sqlalchemy import Numeric
from sqlalchemy.dialects.postgresql import JSONB

from api.reading.lists.tables import LISTINGS, ORDERS, POSITIONS, TRADES, PageTable
from shared.postgres.schema.tables import metadata

FROM_ELSEWHERE: Final = {"exits", "result_usdt", "result_pct", "close_requested_at", "fees_unknown"}
"""Fields of positions from other tables."""


@pytest.mark.parametrize("table", [LISTINGS, TRADES, ORDERS, POSITIONS], ids=lambda table: table.name)
def test_numbers_and_json_are_those_of_the_table(table: PageTable) -> None:
    held = metadata.tables[table.name].c
    own = set(table.columns) - (FROM_ELSEWHERE if table is POSITIONS else set())
    numeric = {name for name in own if isinstance(held[name].type, Numeric)}
    json = {name for name in own if isinstance(held[name].type, JSONB)}

    assert own
    assert table.numbers - FROM_ELSEWHERE == numeric | {name for name in own if held[name].type.python_type is int}
    assert table.json - FROM_ELSEWHERE == json
    assert {name for name in own if table.columns[name] == f"{table.name}.{name}::text"} == numeric | json
