from executor.alarms import Alarms
from shared.events import Health, HealthStatus
from shared.process.heartbeat import Component
from tests.support.data.builders import NOON, an_order


def health_of(component: Component) -> Health:
    return component.report(NOON)


def test_a_component_is_degraded_while_there_is_an_alarm_of_any_source() -> None:
    component = Component("executor")
    alarms = Alarms(component)
    alarms.say("holdings", "ABC is held")
    alarms.say("orders", "sn1 is lost")
    both = health_of(component)
    alarms.say("holdings", "")
    one = health_of(component)
    alarms.say("orders", "")
    none = health_of(component)

    assert (both.status, both.detail) == (HealthStatus.DEGRADED, "ABC is held; sn1 is lost")
    assert (one.status, one.detail) == (HealthStatus.DEGRADED, "sn1 is lost")
    assert (none.status, none.detail) == (HealthStatus.RUNNING, "")


def test_orders_that_need_a_person_are_named_and_counted() -> None:
    component = Component("executor")
    alarms = Alarms(component)
    alarms.needed([an_order(client_order_id=f"sn{number}") for number in range(7)])
    named = health_of(component).detail
    alarms.needed([])

    assert named.startswith("7 orders need a person: sn0 (BUY ABCUSDT), sn1 (BUY ABCUSDT)")
    assert "sn5" not in named
    assert health_of(component).status is HealthStatus.RUNNING
