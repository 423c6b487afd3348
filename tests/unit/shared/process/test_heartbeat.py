from datetime import timedelta

import pytest

from shared.events import Health, HealthStatus, utc_now
from shared.process.heartbeat import AHEAD_MAX, SILENCE_MAX, Component, effective_status, heartbeat
from shared.wire.cloudevents import decode
from tests.support.data.builders import NOON
from tests.support.fakes.fakes import RecordingBus
from tests.waiting import eventually

JUST_TOO_LONG = SILENCE_MAX + timedelta(microseconds=1)


def said(bus: RecordingBus) -> list[Health]:
    return [event for event in (decode(message.body) for message in bus.published) if isinstance(event, Health)]


@pytest.mark.parametrize("status", list(HealthStatus))
def test_a_component_heard_lately_is_believed(status: HealthStatus) -> None:
    assert effective_status(status, NOON, now=NOON + SILENCE_MAX) is status


@pytest.mark.parametrize("status", [HealthStatus.RUNNING, HealthStatus.DEGRADED, HealthStatus.ERROR])
def test_a_component_gone_silent_is_in_error(status: HealthStatus) -> None:
    assert effective_status(status, NOON, now=NOON + JUST_TOO_LONG) is HealthStatus.ERROR


@pytest.mark.parametrize(("ahead", "expected"), [(AHEAD_MAX, "running"), (AHEAD_MAX * 2, "error")])
def test_a_component_last_heard_of_in_the_future_is_in_error_but_for_clocks_apart(
    ahead: timedelta, expected: str
) -> None:
    assert effective_status(HealthStatus.RUNNING, NOON + ahead, now=NOON) == expected


def test_a_component_that_said_goodbye_may_be_silent() -> None:
    assert effective_status(HealthStatus.STOPPED, NOON, now=NOON + timedelta(days=9)) is HealthStatus.STOPPED


async def test_a_service_says_that_it_runs_and_that_it_stopped() -> None:
    bus = RecordingBus()

    async with heartbeat(Component("dedup"), bus):
        await eventually(lambda: bus.published)

    assert [(event.component, event.status) for event in said(bus)] == [("dedup", "running"), ("dedup", "stopped")]
    assert {message.routing_key for message in bus.published} == {"health.dedup"}
    assert [event.last for event in said(bus)] == [False, True]
    assert len({event.process for event in said(bus)}) == 1
    assert said(bus)[0].process != Component("dedup").report(utc_now()).process


async def test_a_service_that_fails_says_so_with_its_last_words() -> None:
    bus = RecordingBus()

    with pytest.raises(KeyError):
        async with heartbeat(Component("dedup"), bus):
            raise KeyError("secret")

    assert (said(bus)[-1].status, said(bus)[-1].detail) == ("error", "KeyError")


async def test_a_change_is_told_at_once() -> None:
    bus, component = RecordingBus(), Component("ingest")

    async with heartbeat(component, bus):
        await eventually(lambda: bus.published)
        component.set(HealthStatus.DEGRADED, "websocket away")
        degraded = await eventually(lambda: said(bus)[1:], within_seconds=2)

    assert (degraded[0].status, degraded[0].detail) == ("degraded", "websocket away")


async def test_a_heartbeat_carries_when_the_last_event_was() -> None:
    bus, component = RecordingBus(), Component("ingest")
    component.saw_event(NOON)

    async with heartbeat(component, bus):
        pass

    assert said(bus)[-1].last_event_at == NOON
