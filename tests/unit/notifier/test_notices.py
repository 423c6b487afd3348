"""Notices of each event, and those merged, held back or repeated."""

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.digest import CHARACTERS_MAX, merged, summary
from notifier.duplicates import Duplicates
from notifier.halt_watch import HaltWatch
from notifier.health_watch import HealthWatch
from notifier.notices import Kind, Notice, Severity, notice_of
from notifier.rules import is_wanted, parse_quiet_hours, parse_rules
from shared.control.halts import Halt
from shared.events import HealthStatus, ListingRescheduled, Mode, TradeStatus
from tests.support.data.builders import NOON, a_health, a_listing, a_trade

UTC_ZONE = ZoneInfo("UTC")


def a_notice(**overrides: object) -> Notice:
    described = {"id": "1", "kind": Kind.EXIT, "severity": Severity.INFO, "title": "T", "text": "x", "at": NOON}
    return Notice(**{**described, **overrides})  # type: ignore[arg-type]


def test_a_listing_tells_who_saw_it_when_it_opens_and_why_it_is_not_traded() -> None:
    listing = a_listing(opens_at=NOON + timedelta(hours=1), tradable=False, not_tradable_reason="leveraged token")

    notice = notice_of(listing)

    assert notice is not None
    assert notice.title == "Listed: ABCUSDT"
    assert notice.text == (
        "seen by mexc_websocket at 12:00:00.001 UTC, opens 2026-03-02 13:00:00 UTC, not traded: leveraged token"
    )


def test_an_opening_that_moved_is_told_with_its_new_time() -> None:
    moved = ListingRescheduled.model_validate(a_listing(opens_at=NOON + timedelta(hours=2)).model_dump())

    notice = notice_of(moved)

    assert notice is not None
    assert (notice.kind, notice.text) == (Kind.OPENING, "opens 2026-03-02 14:00:00 UTC")


@pytest.mark.parametrize(
    ("overrides", "kind", "severity", "title"),
    [
        ({"mode": "live"}, Kind.PURCHASE, Severity.INFO, "[LIVE] Bought: ABCUSDT"),
        ({"status": "rejected"}, Kind.REFUSAL, Severity.INFO, "[dry-run] Not bought: ABCUSDT"),
        ({"status": "failed"}, Kind.PURCHASE, Severity.ERROR, "[dry-run] Could not be bought: ABCUSDT"),
        (
            {"side": "SELL", "exit_reason": "stop_loss"},
            Kind.EXIT,
            Severity.INFO,
            "[dry-run] Sold: ABCUSDT (stop loss)",
        ),
        ({"side": "SELL", "status": "rejected"}, Kind.EXIT, Severity.WARNING, "[dry-run] Not sold: ABCUSDT (sold)"),
        ({"side": "SELL", "status": "failed"}, Kind.EXIT, Severity.ERROR, "[dry-run] Could not be sold: ABCUSDT"),
    ],
)
def test_a_trade_names_its_mode_first(overrides: dict[str, object], kind: Kind, severity: Severity, title: str) -> None:
    notice = notice_of(a_trade(**overrides))

    assert notice is not None
    assert (notice.kind, notice.severity, notice.title) == (kind, severity, title)


def test_a_purchase_tells_amount_price_and_latency() -> None:
    trade = a_trade(quote_qty=Decimal("95.50"), base_qty=Decimal(1000), average_price=Decimal("0.0955"))

    notice = notice_of(trade.model_copy(update={"ack_latency_ms": 12}))

    assert notice is not None
    assert notice.text == "95.5 USDT spent, 1000 at 0.0955, 12 ms from decision to answer"


def test_an_order_under_way_and_a_heartbeat_are_no_notices() -> None:
    assert notice_of(a_trade(status=TradeStatus.PENDING)) is None
    assert notice_of(a_health()) is None


def test_a_component_is_news_when_it_changes_and_not_when_only_its_figures_do() -> None:
    watch = HealthWatch()
    reports = [
        (HealthStatus.RUNNING, ""),
        (HealthStatus.DEGRADED, "silent for 3.1 s"),
        (HealthStatus.DEGRADED, "silent for 8.2 s"),
        (HealthStatus.DEGRADED, "the clock is unknown"),
        (HealthStatus.RUNNING, ""),
    ]

    told = [
        watch.heard(a_health(status=status, detail=detail, sent_at=NOON + timedelta(seconds=number)))
        for number, (status, detail) in enumerate(reports)
    ]

    assert [notice and notice.severity for notice in told] == [
        None,
        Severity.WARNING,
        None,
        Severity.WARNING,
        Severity.INFO,
    ]


def test_an_older_report_that_comes_late_is_no_news() -> None:
    watch = HealthWatch()
    watch.heard(a_health())

    assert watch.heard(a_health(status=HealthStatus.ERROR, sent_at=NOON - timedelta(seconds=1))) is None


def test_a_silent_component_is_told_once_and_so_is_its_return() -> None:
    watch = HealthWatch()
    watch.heard(a_health())

    assert list(watch.fell_silent(NOON + timedelta(seconds=11))) == []
    [silent] = watch.fell_silent(NOON + timedelta(seconds=13))
    assert (silent.title, silent.severity) == ("executor is silent", Severity.ERROR)
    assert list(watch.fell_silent(NOON + timedelta(seconds=20))) == []
    back = watch.heard(a_health(sent_at=NOON + timedelta(seconds=21)))
    assert back is not None
    assert back.title == "executor is running"


def test_two_processes_unwell_in_their_own_ways_are_told_once_each_at_most() -> None:
    watch, seconds = HealthWatch(), itertools.count()
    details = {"a": "the private stream is away", "b": "the clock is not known"}

    def say(process: str, status: str = "degraded") -> str | None:
        at = NOON + timedelta(seconds=next(seconds))
        told = watch.heard(a_health(process=process, status=status, detail=details.get(process, ""), sent_at=at))
        return None if told is None else told.text

    together = [say(process) for process in "ab" * 6]
    recovered = [say("a", "running"), *(say("b") for _ in range(3)), *(say("a", "running") for _ in range(3))]

    assert [each for each in together if each] == [details["a"]]
    assert [each for each in recovered if each] == [details["b"]]


def test_of_two_unwell_processes_the_one_shown_gives_way_once_it_is_silent() -> None:
    watch = HealthWatch()
    at = [watch.heard(a_health(process="a", status="degraded", detail="one", sent_at=NOON))]
    at += [
        watch.heard(a_health(process="b", status="degraded", detail="other", sent_at=NOON + timedelta(seconds=seconds)))
        for seconds in (1, 11, 13, 14)
    ]

    assert [each and each.text for each in at] == ["one", None, None, "other", None]


@pytest.mark.parametrize(
    "end",
    [{"status": "running"}, {"status": "error", "last": True}, {"status": "stopped"}, None],
    ids=["recovers", "fails", "stops", "is killed"],
)
def test_of_two_processes_the_worst_is_told_once_until_it_is_over(end: dict[str, Any] | None) -> None:
    watch, seconds = HealthWatch(), itertools.count()

    def say(process: str, **report: Any) -> str | None:
        told = watch.heard(a_health(process=process, sent_at=NOON + timedelta(seconds=next(seconds)), **report))
        return None if told is None else told.title

    told = [say(process, status="degraded" if process == "b" else "running") for process in "ababab"]
    after = [say("b", **end)] if end else []
    after += [say("a") for _ in range(14)]

    assert told == [None, "executor is degraded", None, None, None, None]
    assert [each for each in after if each][-1] == "executor is running"
    assert len([each for each in after if each]) <= 2
    assert list(watch.fell_silent(NOON + timedelta(seconds=next(seconds)))) == []


def test_a_component_that_said_goodbye_is_not_silent() -> None:
    watch = HealthWatch()
    watch.heard(a_health(status=HealthStatus.STOPPED))

    assert list(watch.fell_silent(NOON + timedelta(hours=1))) == []


def test_halts_are_told_when_they_come_and_when_they_go() -> None:
    watch = HaltWatch()
    halt = Halt("failures", Mode.LIVE, "5 in a row", NOON, exits=False)

    assert list(watch.looked([], NOON)) == []
    [came] = watch.looked([halt], NOON)
    assert list(watch.looked([halt], NOON)) == []
    [went] = watch.looked([], NOON)

    assert (came.title, came.text) == ("Halted: purchases; exits still run (live)", "failures: 5 in a row")
    assert (came.severity, went.severity) == (Severity.ERROR, Severity.WARNING)


def test_a_halt_that_came_before_the_first_look_is_told() -> None:
    [notice] = HaltWatch().looked([Halt("operator", None, "", NOON, exits=True)], NOON)

    assert notice.title == "Halted: purchases and sales"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("listing=off, listings=off", "^rule 2: its kind is not one of listing, "),
        ("listing=loud", "^listing: its severity is not one of info, "),
        ("listing", "^listing: its severity is not one of info, "),
    ],
)
def test_a_rule_that_cannot_be_meant_is_named(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        parse_rules(text)


def test_rules_change_the_defaults_by_kind_and_severity() -> None:
    rules = parse_rules("listing=off, health=error refusal=info")

    assert not is_wanted(a_notice(kind=Kind.LISTING), rules)
    assert not is_wanted(a_notice(kind=Kind.HEALTH, severity=Severity.WARNING), rules)
    assert is_wanted(a_notice(kind=Kind.HEALTH, severity=Severity.ERROR), rules)
    assert is_wanted(a_notice(kind=Kind.REFUSAL), rules)
    assert is_wanted(a_notice(kind=Kind.EXIT), rules)


@pytest.mark.parametrize(
    ("hours", "at", "covers"),
    [
        ("22:00-07:00", "23:30", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("09:00-17:00", "12:00", True),
        ("09:00-17:00", "17:00", False),
        ("08:00-08:00", "08:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str, at: str, *, covers: bool) -> None:
    moment = datetime.fromisoformat(f"2026-03-02T{at}:00+00:00")

    assert parse_quiet_hours(hours, UTC_ZONE).cover(moment) is covers


def test_quiet_hours_are_those_of_the_zone_and_hold_no_error() -> None:
    hours = parse_quiet_hours("22:00-07:00", ZoneInfo("Asia/Tokyo"))

    assert hours.hold(a_notice(), datetime.fromisoformat("2026-03-02T14:00:00+00:00"))
    assert not hours.hold(a_notice(severity=Severity.ERROR), datetime.fromisoformat("2026-03-02T14:00:00+00:00"))
    assert not hours.hold(a_notice(), NOON.replace(hour=23))


@pytest.mark.parametrize("text", ["22-07", "24:00-07:00", "22:00", ""])
def test_quiet_hours_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_quiet_hours(text, UTC_ZONE)


def test_one_notice_stands_as_it_is_and_several_share_a_message_with_the_worst_first() -> None:
    harmless, grave = a_notice(title="A", text=""), a_notice(title="B", severity=Severity.ERROR)

    assert merged([harmless]).title == "A"
    both = merged([harmless, grave])
    assert (both.title, both.text, both.severity) == ("2 notices", "B: x\nA", Severity.ERROR)


@given(st.lists(st.text(max_size=400), min_size=1, max_size=60))
def test_no_message_is_longer_than_services_take_and_none_loses_count(texts: list[str]) -> None:
    digest = merged([a_notice(text=text) for text in texts])

    assert len(digest.text) <= CHARACTERS_MAX
    assert digest.count == len(texts)


def test_a_summary_counts_what_was_held_back() -> None:
    held = [a_notice(kind=Kind.LISTING), a_notice(kind=Kind.LISTING), a_notice()]

    assert summary(held).title == "While it was quiet: 2 listing, 1 exit"


def test_duplicates_are_known_until_they_are_released_or_long_gone() -> None:
    seen = Duplicates(remembered=2)

    assert seen.claim("a")
    assert not seen.claim("a")
    seen.release("a")
    assert seen.claim("a")
    assert seen.claim("b")
    assert seen.claim("c")
    assert seen.claim("a")
