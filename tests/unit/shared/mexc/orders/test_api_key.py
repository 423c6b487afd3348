from datetime import date

import pytest

from shared.mexc.orders.api_key import KeyTerms, failings, risks
from shared.mexc.orders.order_reports import KeyRights

MADE = date(2026, 3, 1)
SOUND = KeyRights(can_trade=True, can_withdraw=False)


def test_a_key_expires_ninety_days_after_it_was_made() -> None:
    assert KeyTerms(MADE).expires_on == date(2026, 5, 30)


@pytest.mark.parametrize("terms", [KeyTerms(), KeyTerms(MADE, ip_bound=True)])
def test_a_key_that_is_bound_or_of_unknown_age_has_no_day_of_expiry(terms: KeyTerms) -> None:
    assert terms.expires_on is None
    assert list(failings(terms, SOUND, date(2030, 1, 1))) == []


@pytest.mark.parametrize(
    ("today", "said"),
    [(date(2026, 5, 24), []), (date(2026, 5, 25), ["expires"]), (date(2026, 5, 31), ["expired"])],
)
def test_a_key_fails_from_the_day_on_which_it_can_be_renewed(today: date, said: list[str]) -> None:
    found = list(failings(KeyTerms(MADE), SOUND, today))

    assert [word for word in ("expires", "expired") if any(f"{word} on 2026-05-30" in each for each in found)] == said


def test_a_key_that_may_not_trade_fails_and_one_that_may_withdraw_is_a_risk() -> None:
    odd = KeyRights(can_trade=False, can_withdraw=True)

    assert list(failings(KeyTerms(), odd, MADE)) == ["the API key may not trade"]
    assert list(risks(odd)) == ["the API key may withdraw: trading takes no such right"]


def test_what_is_not_told_is_neither() -> None:
    silent = KeyRights(can_trade=None, can_withdraw=None)

    assert [*failings(KeyTerms(), silent, MADE), *failings(KeyTerms(), None, MADE), *risks(silent), *risks(None)] == []
