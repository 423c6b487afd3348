import re

import pytest

from executor.model.order_state import TABLE
from executor.model.reasons import Reason
from executor.venues.error_codes import CODES
from tests.tools.order_page import PAGE, PAIR, PARTS, REFUSED, STOPS, WORDS, refreshed

TEXT = PAGE.read_text(encoding="utf-8")


def part(name: str) -> str:
    found = re.search(f"<!-- {name} -->\n(.*)\n<!-- /{name} -->", TEXT, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("name", PARTS)
def test_the_page_about_orders_says_what_the_code_does(name: str) -> None:
    assert part(name) == PARTS[name](), "python -m tests.tools.order_page writes it anew"


def test_writing_the_page_anew_changes_nothing() -> None:
    assert refreshed(TEXT) == TEXT


def test_the_diagram_draws_each_step_of_the_table_and_no_other() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+) / (\w+)$", part("diagram"), re.MULTILINE)

    assert drawn == [(state, step.state, event, step.effect) for (state, event), step in TABLE.items()]


def test_every_code_and_every_reason_has_a_row() -> None:
    assert re.findall(r"^\| `(-?\d+)` \|", part("codes"), re.MULTILINE) == [str(code) for code in CODES]
    assert re.findall(r"^\| `(\w+)` \|", part("reasons"), re.MULTILINE) == list(Reason)


def test_what_each_way_to_take_a_code_leads_to_is_told() -> None:
    told = re.findall(r"^\| ([a-z ,]+) \| ", TEXT, re.MULTILINE)

    assert {*WORDS.values(), REFUSED, STOPS, PAIR} < set(told)
