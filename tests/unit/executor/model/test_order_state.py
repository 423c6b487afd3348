from collections.abc import Iterator

import pytest

from executor.model.order_state import AT_LARGE, FINAL, TABLE, Effect, OrderEvent, OrderState, Transition

BEGINNINGS = {OrderState.ARMED: False, OrderState.SENDING: True}
"""How an order comes into the journal, and whether money is reserved for it then."""
FILLED = {OrderState.FILLED, OrderState.PARTIALLY_FILLED}
LOST = (OrderState.ARMED, OrderEvent.UNANSWERED)
"""An order that left, which the database lost, with what was reserved for it: none of its paths holds any longer."""
SPOKEN = (
    (OrderEvent.DENIED, OrderState.REJECTED),
    (OrderEvent.REJECTED, OrderState.REJECTED),
    (OrderEvent.LAPSED, OrderState.EXPIRED),
    (OrderEvent.UNSENT, OrderState.FAILED),
    (OrderEvent.ACCEPTED, OrderState.ACKNOWLEDGED),
)
FOUND = (
    (OrderEvent.FOUND_FILLED, OrderState.FILLED),
    (OrderEvent.FOUND_PARTLY_FILLED, OrderState.PARTIALLY_FILLED),
    (OrderEvent.FOUND_UNFILLED, OrderState.EXPIRED),
)


Path = tuple[tuple[OrderState, OrderEvent], ...]


def paths(state: OrderState, walked: Path = ()) -> Iterator[Path]:
    """Every way from *state* to an end that takes no step more than twice."""
    ahead = [pair for pair in TABLE if pair[0] is state and pair != LOST]
    if state in FINAL:
        yield walked
    for pair in ahead:
        if walked.count(pair) < 2:
            yield from paths(TABLE[pair].state, (*walked, pair))


PATHS = [(beginning, path) for beginning in BEGINNINGS for path in paths(beginning)]


@pytest.mark.parametrize("state", sorted(FINAL - {OrderState.FAILED}))
def test_nothing_leads_out_of_an_end(state: OrderState) -> None:
    assert state not in {before for before, _ in TABLE}


def test_only_what_was_given_up_may_appear_after_all_and_then_counts_without_a_reservation() -> None:
    out = {event: leading for (state, event), leading in TABLE.items() if state is OrderState.FAILED}

    assert out == {
        OrderEvent.APPEARED_FILLED: Transition(OrderState.FILLED, Effect.ADD),
        OrderEvent.APPEARED_PARTLY_FILLED: Transition(OrderState.PARTIALLY_FILLED, Effect.ADD),
    }
    assert [leading.effect for leading in TABLE.values()].count(Effect.ADD) == len(out)


def test_an_operator_can_write_off_only_what_may_be_at_the_exchange_and_nobody_sends() -> None:
    written_off = {state: leading for (state, event), leading in TABLE.items() if event is OrderEvent.WRITTEN_OFF}

    assert written_off == dict.fromkeys(
        [OrderState.ACKNOWLEDGED, OrderState.UNKNOWN], Transition(OrderState.FAILED, Effect.RELEASE)
    )


def test_a_state_waits_is_at_large_or_is_an_end_and_only_one_of_them() -> None:
    assert sorted([OrderState.ARMED, *AT_LARGE, *FINAL]) == sorted(OrderState)


@pytest.mark.parametrize("state", sorted({OrderState.ARMED, *AT_LARGE}))
def test_whatever_is_no_end_can_come_to_every_end_that_fits(state: OrderState) -> None:
    ends = {TABLE[path[-1]].state for path in paths(state)}

    # What the exchange took is rejected only as a further attempt.
    assert ends == FINAL


def test_every_state_can_be_reached() -> None:
    assert {*BEGINNINGS, *(TABLE[pair].state for _, path in PATHS for pair in path)} == set(OrderState)


def test_every_event_can_happen() -> None:
    assert {event for _, event in TABLE} == set(OrderEvent)


def test_along_every_path_what_is_reserved_is_released_or_settled_exactly_once() -> None:
    for beginning, path in PATHS:
        follow(path, is_reserved=BEGINNINGS[beginning])


def follow(path: Path, *, is_reserved: bool) -> None:
    for leading in (TABLE[pair] for pair in path):
        match leading.effect:
            case Effect.RESERVE:
                assert not is_reserved
                is_reserved = True
            case Effect.RELEASE | Effect.SETTLE:
                assert is_reserved
                is_reserved = False
            case held:
                assert is_reserved == (held is Effect.HOLD)
        # What may be at the exchange has its money reserved, and nothing else has.
        assert is_reserved == (leading.state in AT_LARGE)

    assert not is_reserved


def test_no_path_settles_twice() -> None:
    for _, path in PATHS:
        assert [TABLE[pair].effect in {Effect.SETTLE, Effect.ADD} for pair in path].count(True) <= 1, path


def test_only_what_was_executed_is_settled() -> None:
    settled = {leading.state for leading in TABLE.values() if leading.effect is Effect.SETTLE}
    released = {leading.state for leading in TABLE.values() if leading.effect is Effect.RELEASE}

    assert settled == FILLED
    assert released == {OrderState.ARMED, *FINAL - FILLED}


def test_an_order_is_sent_out_of_waiting_or_once_more_where_it_is_proven_to_have_got_nothing() -> None:
    assert into(OrderState.SENDING) == [
        (OrderState.ARMED, OrderEvent.FIRED),
        (OrderState.SENDING, OrderEvent.RETRIED),
        (OrderState.ACKNOWLEDGED, OrderEvent.RETRIED),
    ]


def test_what_is_in_doubt_is_never_attempted_again() -> None:
    assert (OrderState.UNKNOWN, OrderEvent.RETRIED) not in TABLE


def test_an_order_waits_again_only_after_the_exchange_would_not_take_it_yet() -> None:
    assert into(OrderState.ARMED) == [(OrderState.SENDING, OrderEvent.POSTPONED)]
    assert TABLE[OrderState.SENDING, OrderEvent.POSTPONED] == Transition(OrderState.ARMED, Effect.RELEASE)


def test_an_order_comes_into_doubt_only_while_it_is_sent_or_where_the_database_lost_that() -> None:
    assert into(OrderState.UNKNOWN) == [LOST, (OrderState.SENDING, OrderEvent.UNANSWERED)]
    assert TABLE[LOST].effect is Effect.NOTHING


def into(state: OrderState) -> list[tuple[OrderState, OrderEvent]]:
    return [pair for pair, leading in TABLE.items() if leading.state is state]


@pytest.mark.parametrize("state", [OrderState.SENDING, OrderState.UNKNOWN])
@pytest.mark.parametrize(("event", "to"), [*SPOKEN, *FOUND])
def test_what_the_sender_knows_and_what_is_found_counts_even_where_it_was_taken_for_dead(
    state: OrderState, event: OrderEvent, to: OrderState
) -> None:
    assert TABLE[state, event].state is to


@pytest.mark.parametrize(("event", "to"), FOUND)
def test_what_the_exchange_took_ends_as_it_is_found(event: OrderEvent, to: OrderState) -> None:
    assert TABLE[OrderState.ACKNOWLEDGED, event].state is to


def test_what_waits_is_fired_refused_or_lapses_and_costs_nothing_before() -> None:
    assert TABLE[OrderState.ARMED, OrderEvent.FIRED] == Transition(OrderState.SENDING, Effect.RESERVE)
    assert TABLE[OrderState.ARMED, OrderEvent.DENIED] == Transition(OrderState.REJECTED, Effect.NOTHING)
    assert TABLE[OrderState.ARMED, OrderEvent.LAPSED] == Transition(OrderState.EXPIRED, Effect.NOTHING)


def test_an_order_without_an_answer_keeps_its_money() -> None:
    assert TABLE[OrderState.SENDING, OrderEvent.UNANSWERED] == Transition(OrderState.UNKNOWN, Effect.HOLD)


def test_only_what_is_in_doubt_can_prove_absent() -> None:
    assert [state for state, event in TABLE if event is OrderEvent.FOUND_ABSENT] == [OrderState.UNKNOWN]
    assert TABLE[OrderState.UNKNOWN, OrderEvent.FOUND_ABSENT] == Transition(OrderState.FAILED, Effect.RELEASE)


def test_what_the_exchange_took_is_not_refused_unsent_or_in_doubt_any_more() -> None:
    still = {event for state, event in TABLE if state is OrderState.ACKNOWLEDGED}

    assert still == {*(event for event, _ in FOUND), OrderEvent.WRITTEN_OFF, OrderEvent.RETRIED}


def test_the_words_of_the_journal_never_change() -> None:
    # They are stored, and checked by the database.
    assert [*OrderState] == [
        *("armed", "sending", "acknowledged", "unknown"),
        *("filled", "partially_filled", "rejected", "expired", "failed"),
    ]
