"""The script of a day holds what it promises, and says without doubt what must come of it."""

from collections import Counter

import pytest

from tests.traffic.script import ONE_HOUR, WHOLE_DAY, Day, old_symbols, script_of
from tests.traffic.steps import Delist, Disconnect, List, Misread, Move, Pause, Script, Step
from tests.traffic.truth import truth_of

HOUR = 3600.0


def a_script(*steps: Step) -> Script:
    return Script(steps, seconds=24 * HOUR)


def test_same_seed_writes_the_same_day_and_another_writes_another() -> None:
    assert script_of(WHOLE_DAY, seed=7) == script_of(WHOLE_DAY, seed=7) != script_of(WHOLE_DAY, seed=8)


def test_whole_day_holds_as_much_as_a_day_of_traffic_must() -> None:
    script = script_of(WHOLE_DAY)
    truth = truth_of(script, old_symbols())
    happened = Counter(type(step.action) for step in script.steps)

    assert script.seconds == 24 * HOUR
    assert (len(old_symbols()), len(truth.opening)) == (2000, 500)
    assert (happened[Disconnect], happened[Misread]) == (200, 50)
    assert len(truth.moves) == 60
    assert sum(key.endswith(":2") for key in truth.opening) == 60
    assert happened[Pause] == 200


@pytest.mark.parametrize("day", [WHOLE_DAY, ONE_HOUR])
def test_everything_of_a_day_happens_in_it_and_in_order(day: Day) -> None:
    script = script_of(day)
    moments = [step.at for step in script.steps]

    assert moments == sorted(moments)
    assert moments[0] > 0
    assert moments[-1] < script.seconds


def test_hour_holds_everything_that_happens_in_a_day() -> None:
    hour, day = ({type(step.action) for step in script_of(each).steps} for each in (ONE_HOUR, WHOLE_DAY))
    faults = {step.action.fault for step in script_of(ONE_HOUR).steps if isinstance(step.action, Misread)}

    assert hour == day
    assert len(faults) == 3


def test_symbol_that_was_away_for_long_is_listed_again_and_one_that_flickered_is_not() -> None:
    script = a_script(
        Step(0, List("ABCUSDT")),
        Step(HOUR, Delist("ABCUSDT")),
        Step(HOUR + 60, List("ABCUSDT")),
        Step(2 * HOUR, Delist("ABCUSDT")),
        Step(3 * HOUR, List("ABCUSDT")),
        Step(4 * HOUR, Delist("OLDUSDT")),
        Step(5 * HOUR, List("OLDUSDT")),
    )

    assert list(truth_of(script, ["OLDUSDT"]).opening) == ["ABCUSDT:1", "ABCUSDT:2", "OLDUSDT:2"]


def test_absence_that_could_be_taken_either_way_is_no_script() -> None:
    script = a_script(Step(0, List("ABCUSDT")), Step(60, Delist("ABCUSDT")), Step(660, List("ABCUSDT")))

    with pytest.raises(ValueError, match="ABCUSDT"):
        truth_of(script, [])


def test_what_is_announced_and_withdrawn_was_never_listed() -> None:
    script = a_script(Step(0, List("ABCUSDT", listed_in=HOUR, opens_in=HOUR)), Step(60, Delist("ABCUSDT")))

    assert truth_of(script, []).opening == {}


def test_opening_that_moves_is_news_only_after_the_listing() -> None:
    before, after = Step(60, Move("ABCUSDT", 3 * HOUR)), Step(2 * HOUR, Move("ABCUSDT", 5 * HOUR))
    script = a_script(Step(0, List("ABCUSDT", listed_in=HOUR, opens_in=2 * HOUR)), before, after)
    truth = truth_of(script, [])

    assert truth.opening == {"ABCUSDT:1": before}
    assert truth.moves == [after]
