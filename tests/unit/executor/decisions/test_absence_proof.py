"""How often an order must be looked for, and when, before it counts as absent."""

from executor.decisions.absence_proof import COUNTED_SECONDS, FIRST_WAIT_SECONDS, WAIT_SECONDS_MAX, AbsenceProof


def a_proof() -> AbsenceProof:
    return AbsenceProof(shows_by_ms=10_000, reads=2, wait_seconds=3.0)


def test_looks_that_begin_before_it_must_show_count_for_nothing() -> None:
    proof = a_proof()

    for _ in range(9):
        proof.missed(10_000)

    assert not proof.is_complete
    assert proof.wait_seconds == WAIT_SECONDS_MAX


def test_it_is_absent_after_so_many_looks_in_a_row() -> None:
    proof = a_proof()

    proof.missed(10_001)
    once = proof.is_complete
    proof.missed(10_002)

    assert (once, proof.is_complete, proof.wait_seconds) == (False, True, COUNTED_SECONDS)


def test_a_look_that_fails_begins_the_row_anew_and_keeps_as_quiet_as_the_exchange_wants() -> None:
    proof = a_proof()
    proof.missed(10_001)
    proof.failed(7.0)
    waits = proof.wait_seconds
    proof.missed(10_002)

    assert (waits, proof.is_complete) == (7.0, False)


def test_waits_grow() -> None:
    proof, waits = a_proof(), []
    for _ in range(5):
        waits.append(proof.wait_seconds)
        proof.missed(0)

    assert waits == [3.0, FIRST_WAIT_SECONDS, 0.5, 1.0, WAIT_SECONDS_MAX]


def test_what_a_proof_takes_at_least_is_what_is_left_until_it_must_show() -> None:
    assert (a_proof().takes_seconds(8_500), a_proof().takes_seconds(11_000)) == (1.5, 0.0)


def test_the_look_that_would_complete_the_row_is_the_decisive_one() -> None:
    proof = a_proof()

    first = proof.is_decisive(10_001)
    proof.missed(10_001)

    assert (first, proof.is_decisive(10_002)) == (False, True)


def test_no_look_is_decisive_that_begins_before_it_must_show() -> None:
    proof = a_proof()
    proof.missed(10_001)

    assert not proof.is_decisive(10_000)


def test_after_a_look_that_failed_the_next_is_not_decisive() -> None:
    proof = a_proof()
    proof.missed(10_001)
    proof.failed()

    assert not proof.is_decisive(10_002)
