"""What holds for every test of the executor."""

from collections.abc import Iterator

import pytest

from tests.support.running.log_lines import naming_their_listings


@pytest.fixture(autouse=True)
def lines_name_their_listings() -> Iterator[None]:
    """Let no line of an order or a position go without the listing and the event that told of it."""
    with naming_their_listings():
        yield
