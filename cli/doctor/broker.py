"""Checks of the broker: reachable, of a tested version, and with the permissions that services need."""

import re
from collections.abc import Sequence
from typing import Final

from cli.doctor.finding import Finding, not_examined, note, setting, well, wrong
from cli.doctor.needs import needs_of, topology_of
from shared.bus.rabbitmq.inspection import BrokerInspection, inspecting
from shared.errors import SettingsError, TransientError
from shared.settings import BrokerSettings, load

REACHABLE: Final = "broker"
REST: Final = ("broker version", "broker topology", "broker permissions")
OLDEST: Final = (3, 10)
"""The oldest RabbitMQ tested; quorum queues and streams need 3.9."""
_LOAD: Final = (
    "start a service whose user may make it, or load deploy/rabbitmq/definitions.json (rabbitmqctl import_definitions)"
)


async def check(names: Sequence[str]) -> list[Finding]:
    """Return the findings on the broker for these services."""
    try:
        settings = load(BrokerSettings)
    except SettingsError as error:
        return [setting(REACHABLE, str(error)), *not_examined(REST, "its settings are wrong")]
    if settings.url is None:
        return [note(REACHABLE, "none: messages go through the database, for `sniper up` in one process")]
    try:
        async with inspecting(settings) as broker:
            return [well(REACHABLE, "answers"), *await _inside(broker, names)]
    except TransientError as error:
        told = str(error).removeprefix("broker away: ")
        advice = "" if "SNIPER_BROKER_URL" in told else "start it, and compare host and port in SNIPER_BROKER_URL"
        return [wrong(REACHABLE, told, advice), *not_examined(REST, "the broker is not reached")]


async def _inside(broker: BrokerInspection, names: Sequence[str]) -> list[Finding]:
    missing = await broker.missing(topology_of(names))
    return [
        judge_version(broker.version()),
        wrong(REST[1], f"missing: {', '.join(missing)}", _LOAD) if missing else well(REST[1], "complete"),
        await judge_permissions(broker, names, missing),
    ]


def judge_version(told: str) -> Finding:
    """Return the finding on a version string like `RabbitMQ 3.10.8`."""
    numbers = re.search(r"(\d+)\.(\d+)", told)
    if not told.startswith("RabbitMQ") or numbers is None:
        return note(REST[0], f"{told or 'unnamed'}: only RabbitMQ is tested")
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        return wrong(REST[0], told, f"upgrade it to {OLDEST[0]}.{OLDEST[1]} or later")
    return well(REST[0], told)


async def judge_permissions(broker: BrokerInspection, names: Sequence[str], missing: Sequence[str]) -> Finding:
    """Return the finding on the user's permissions, as far as their queues and exchanges are not *missing*."""
    needs = needs_of(names)
    addresses = [each for each in needs.publishes if f"exchange {each[0].name}" not in missing]
    queues = [each for each in needs.consumes if f"queue {each.name}" not in missing]
    lacking = [f"publish {key} to {to.name}" for to, key in addresses if not await broker.may_publish(to, key)]
    lacking += [f"read {queue.name}" for queue in queues if not await broker.may_consume(queue)]
    if not (addresses or queues):
        return note(REST[2], "not looked at: all that they are for is missing")
    if not lacking:
        return well(REST[2], f"all that {', '.join(names)} need")
    return wrong(
        REST[2],
        f"the user may not {', nor '.join(lacking)}",
        "rabbitmqctl set_permissions and set_topic_permissions give it, as deploy/rabbitmq/definitions.json has them; "
        "--service NAME asks for what one service needs",
    )
