from executor.model.reasons import Reason, worded


def test_a_detail_follows_its_reason() -> None:
    assert worded(Reason.HALTED, "operator: lunch") == "halted: operator: lunch"


def test_a_reason_without_a_detail_stands_alone() -> None:
    assert worded(Reason.RELIST, "") == "relist"
    assert worded(Reason.RELIST, "\n\x00") == "relist"


def test_a_detail_is_cut_to_one_short_printable_line() -> None:
    told = worded(Reason.REFUSED, "30099 a\x00b\nc" + "x" * 5000)

    assert told.startswith("refused: 30099 abcx")
    assert len(told) == len("refused: ") + 200


def test_reasons_are_distinct_and_lowercase() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
    assert all(reason.value == reason.name.lower() for reason in Reason)
