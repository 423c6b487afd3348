"""Memory of the newest entries: how many there are, and which make room."""

from executor.model import keep_newest


def test_a_thousand_newest_entries_are_kept() -> None:
    memory: dict[int, str] = {}
    for key in range(1_001):
        keep_newest(memory, key, "")

    assert list(memory) == list(range(1, 1_001))


def test_entry_that_is_kept_again_is_the_newest_and_costs_no_other() -> None:
    memory = dict.fromkeys(range(1_000), "before")
    keep_newest(memory, 0, "after")

    assert list(memory) == [*range(1, 1_000), 0]
    assert memory[0] == "after"
