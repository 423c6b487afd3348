"""The way of an order through services in one process, as the tool finds it."""

import pytest

from tests.tools.way import Chain, exceeded, followed


@pytest.mark.timeout(180)
def test_both_ways_are_found_from_end_to_end() -> None:
    found = followed(live=True, samples=2)

    order, row = found["frame-to-wire"], found["answer-to-row"]
    assert order.files[0].startswith("ingest/")
    assert order.files[-1].startswith("shared/mexc/")
    assert order.nested[-1] == "shared/mexc/http/connection.py:HttpConnection.exchange"
    assert order.nested[-1] in order.functions
    assert row.files[0].startswith("shared/mexc/")
    assert row.files[-1].startswith("persister/")
    assert {each.split("/")[0] for each in order.files} == {"ingest", "dedup", "executor", "shared"}


def test_each_limit_that_is_passed_is_named() -> None:
    chain = Chain([f"shared/m{number}.py:run" for number in range(46)], caused=46, nested=["run"] * 7)

    assert list(exceeded("frame-to-wire", chain)) == [
        "frame-to-wire: 46 > 45 files",
        "frame-to-wire: 7 > 6 nested calls",
    ]
