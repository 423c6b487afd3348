"""Answers of the exchange to an order, and missing ones: rows 11 to 14, 16, 18 and 57."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
import pytest_asyncio

from api.operator import trade_config
from executor.model.send_result import (
    NotOpen,
    PriceRefused,
    Rejected,
    Throttled,
    TimestampRefused,
    Unanswered,
    WrongSize,
)
from executor.venues.error_codes import CODES, result_of_code
from shared.events import Listing
from tests.faults.ground import RULES, Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

Fault = tuple[str, Mapping[str, Any]]

TAKEN: Final[Mapping[str, Fault]] = {
    "hangs after taking it": ("hang_after_accept", {}),
    "is not JSON": ("malformed_body", {}),
    "ends in the middle": ("truncated_body", {}),
    "is a reset after taking it": ("drop_connection", {"accept": True}),
    **{
        f"is {status} after taking it": ("http_status", {"status": status, "accept": True})
        for status in (200, 202, 404, 408, 409, 422, 500, 502, 503, 504)
    },
    **{
        f"is {status} after taking it": ("http_status", {"status": status, "accept": True, "retry_after": 1})
        for status in (403, 418, 429)
    },
    **{
        f"is a redirect {status} after taking it": ("redirect", {"status": status, "accept": True})
        for status in (301, 302, 307, 308)
    },
}
"""After these there is an order, and the executor cannot know it."""
NOT_TAKEN: Final[Mapping[str, Fault]] = {
    "hangs before taking it": ("hang_before_accept", {}),
    "is a reset before taking it": ("drop_connection", {}),
    **{f"is {status} without taking it": ("http_status", {"status": status}) for status in (500, 502, 503, 504)},
    **{f"is a redirect {status} without taking it": ("redirect", {"status": status}) for status in (307, 308)},
}
"""After these there is none, and the executor cannot know that."""
OTHER_CODE: Final = 99_999
BAN: Final = 418
SENT_AGAIN: Final = NotOpen | TimestampRefused | Throttled | PriceRefused


STOPPING: Final = tuple(code for code in CODES if isinstance(each := result_of_code(code), Rejected) and each.stop)
TOLD_BY_CODE: Final = tuple(code for code in CODES if code not in (*STOPPING, BAN))
"""A ban that names no time outlasts any test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    order: Mapping[str, Any]
    posted: list[dict[str, Any]]
    reasons: list[str | None]
    """Of the published trades, in their order."""

    @property
    def placed(self) -> int:
        return sum(each["accepted"] for each in self.posted)


async def _bought(ground: Ground, fault: str, options: Mapping[str, Any]) -> Listing:
    """Have a listing bought while *fault* is armed once; return when the executor has its answer, or gave up on it."""
    listing = await ground.lists()
    await ground.simulator.arm(fault, **options)
    await ground.publish(listing)

    async def answered() -> bool:
        order = await ground.order(listing)
        return order is not None and order["state"] != "sending"

    await eventually(answered)
    return listing


async def _outcome(ground: Ground, listing: Listing) -> Outcome:
    order = await ground.order(listing)
    assert order is not None
    told = [trade.error_reason for trade in ground.told(listing)]
    return Outcome(order, await ground.posted(listing), told)


async def _outcomes(ground: Ground, cases: Mapping[Any, Fault]) -> dict[Any, Outcome]:
    """Play all *cases* through, one after the other, and return what each came to in the end."""
    await ground.staffed(retry_seconds=6, entry_attempts=1)
    listings = {name: await _bought(ground, *fault) for name, fault in cases.items()}
    await ground.settled()
    return {name: await _outcome(ground, listing) for name, listing in listings.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answered(shared_ground: Ground) -> AsyncIterator[dict[str, Outcome]]:
    yield await _outcomes(shared_ground, {**TAKEN, **NOT_TAKEN})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def coded(shared_ground: Ground) -> AsyncIterator[dict[int, Outcome]]:
    cases = {code: _error(code) for code in TOLD_BY_CODE}
    yield await _outcomes(shared_ground, cases | {OTHER_CODE: _error(OTHER_CODE)})


def _error(code: int) -> Fault:
    return "api_error", {"code": code, "message": "so it says"}


@pytest.mark.parametrize("name", TAKEN)
async def test_an_order_that_was_taken_is_found_whatever_the_answer_was(
    answered: dict[str, Outcome], name: str
) -> None:
    outcome = answered[name]

    assert (outcome.order["state"], len(outcome.posted), outcome.placed) == ("filled", 1, 1)
    assert outcome.reasons[-1] is None


@pytest.mark.parametrize("name", NOT_TAKEN)
async def test_an_order_that_never_arrived_is_given_up_and_never_sent_again(
    answered: dict[str, Outcome], name: str
) -> None:
    outcome = answered[name]

    assert (outcome.order["state"], len(outcome.posted), outcome.placed) == ("failed", 1, 0)
    assert outcome.reasons[-1] == "never_arrived"
    # Meanwhile it was published as unknown.
    assert (outcome.reasons[0] or "").startswith("outcome_unknown")


@pytest.mark.parametrize("code", TOLD_BY_CODE)
async def test_each_of_the_exchanges_codes_leads_to_what_it_means(coded: dict[int, Outcome], code: int) -> None:
    outcome, verdict = coded[code], result_of_code(code)
    found = (outcome.order["state"], len(outcome.posted), outcome.placed)
    reason = (outcome.reasons[-1] or "").partition(":")[0]

    if isinstance(verdict, SENT_AGAIN):
        assert found == ("filled", 2, 1)
    elif isinstance(verdict, Unanswered):
        assert (*found, reason) == ("failed", 1, 0, "never_arrived")
    else:
        assert isinstance(verdict, Rejected | WrongSize)
        assert (*found, reason) == ("rejected", 1, 0, verdict.reason)
        assert f"{code} so it says" in (outcome.reasons[-1] or "")


async def test_a_code_that_no_table_knows_proves_nothing_and_is_looked_up(coded: dict[int, Outcome]) -> None:
    outcome = coded[OTHER_CODE]

    assert (outcome.order["state"], len(outcome.posted)) == ("failed", 1)
    assert outcome.reasons == [f"outcome_unknown: {OTHER_CODE} so it says", "never_arrived"]


@pytest.mark.parametrize("code", STOPPING)
async def test_a_refusal_of_our_keys_halts_trading_until_an_operator_resumes(ground: Ground, code: int) -> None:
    await ground.staffed(retry_seconds=6)
    refused = await _bought(ground, *_error(code))
    after = await ground.lists()
    await ground.publish(after)
    await ground.becomes(after, "rejected")
    await trade_config.resume(ground.runtime.database, changed_by="test")
    await eventually(lambda: _is_bought_again(ground), within_seconds=20)
    await ground.settled()

    assert [each.error_reason for each in ground.told(refused)] == [f"{_reason(code)}: {code} so it says"]
    assert len(await ground.posted(refused)) == 1
    assert (ground.told(after)[-1].error_reason or "").startswith("halted: credentials: ")
    assert await ground.posted(after) == []


def _reason(code: int) -> str:
    verdict = result_of_code(code)
    assert isinstance(verdict, Rejected)
    return verdict.reason


async def _is_bought_again(ground: Ground) -> bool:
    """Return whether the executor has noticed that trading was resumed: it may take two looks."""
    listing = await ground.lists()
    await ground.publish(listing)
    order = await ground.becomes(listing, "filled", "rejected")
    return bool(order["state"] == "filled")


async def test_an_order_beyond_the_exchanges_cap_is_priced_once_more_at_that_cap(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await _bought(ground, "api_error", {"code": 30010, "message": "Order price cannot exceed 1.01USDT"})
    await ground.becomes(listing, "filled")
    await ground.settled()

    first, second = [Decimal(each["parameters"]["price"]) for each in await ground.posted(listing)]
    assert (first, second) == (Decimal("1.05"), Decimal("1.01"))


async def test_an_order_beyond_the_price_protection_of_the_rules_stays_within_it(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await ground.lists()
    told = ground.told_of(listing.symbol, rules=RULES.model_copy(update={"price_up": Decimal("1.03")}))
    await ground.publish(told)
    await ground.becomes(told, "filled")
    await ground.settled()

    assert [each["parameters"]["price"] for each in await ground.posted(told)] == ["1.03"]


async def test_an_order_that_is_refused_for_its_price_without_a_number_goes_nearer_to_the_last_price(
    ground: Ground,
) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await _bought(ground, "api_error", {"code": 30087, "message": "Order price exceeds allowed range"})
    await ground.becomes(listing, "filled")
    await ground.settled()

    first, second = [Decimal(each["parameters"]["price"]) for each in await ground.posted(listing)]
    assert first == Decimal("1.05")
    assert Decimal(1) <= second < first


async def test_an_order_in_a_scale_the_exchange_no_longer_has_is_sent_once_more_in_the_one_it_has(
    ground: Ground,
) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await ground.lists()
    told = ground.told_of(listing.symbol, rules=RULES.model_copy(update={"base_precision": 8, "quote_precision": 8}))
    await ground.publish(told)
    await ground.becomes(told, "filled")
    await ground.settled()

    posted = await ground.posted(told)
    assert [each["accepted"] for each in posted] == [False, True]
    assert posted[0]["parameters"]["quantity"] == "19.98095238"
    assert posted[0]["parameters"]["quantity"].startswith(posted[1]["parameters"]["quantity"])


async def test_an_order_without_the_money_is_rejected_once_and_nothing_stays_reserved(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await ground.lists()
    await ground.simulator.fund(USDT="0")
    await ground.publish(listing)
    order = await ground.becomes(listing, "rejected")
    await ground.simulator.fund(USDT="1000000")
    await ground.settled()

    assert order["error_reason"].startswith("insufficient_balance: 30004")
    assert len(await ground.posted(listing)) == 1


async def test_a_suspended_symbol_is_asked_for_only_so_long_and_then_waits_without_money(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await ground.lists()
    await ground.simulator.change_coin(listing.symbol, status="suspended")
    await ground.publish(listing)
    order = await ground.becomes(listing, "armed")
    await ground.settled()
    asked = len(await ground.posted(listing))

    assert (order["fire_at"], order["error_reason"]) == (None, "not_open: 30000 Trading suspended for the symbol")
    assert 2 <= asked <= 61
    assert await ground.placed(listing) == []


async def test_a_partial_fill_counts_with_what_it_got_and_frees_the_rest_once(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    [before] = await ground.rows("SELECT filled_usdt FROM exposure WHERE mode = 'live'")
    listing = await ground.lists(asks=[["1", "5"]])
    await ground.publish(listing)
    order = await ground.becomes(listing, "partially_filled")
    await ground.settled()
    [after] = await ground.rows("SELECT filled_usdt FROM exposure WHERE mode = 'live'")

    assert order["executed_qty"] == 5
    # Five coins at one dollar, and half a thousandth of fee, in whole cents.
    assert after["filled_usdt"] - before["filled_usdt"] == Decimal("5.01")


async def test_an_order_that_finds_nothing_at_its_price_expires_and_frees_everything(ground: Ground) -> None:
    await ground.staffed(retry_seconds=6)
    listing = await ground.lists(asks=[["1.5", "100"]])
    await ground.publish(listing)
    order = await ground.becomes(listing, "expired")
    await ground.settled()

    assert order["error_reason"] == "not_filled"
    assert len(await ground.placed(listing)) == 1
