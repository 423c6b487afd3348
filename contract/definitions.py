"""RabbitMQ's definitions: exchanges, queues, bindings, users and their permissions on an operator's broker.

https://www.rabbitmq.com/docs/definitions
"""

from typing import Final

from contract.broker_entries import (
    Definitions,
    binding_entries,
    exchange_entry,
    queue_entry,
    reader_policy,
    topic_permissions,
    user,
)
from contract.rights import RIGHTS
from shared.wire.topology import NOTIFYING

PREFIX: Final = "sniper-"


def definitions(*, vhost: str = "/", prefix: str = PREFIX) -> Definitions:
    """Return the definitions of one virtual host, with users whose names begin with *prefix*.

    The users have no password, so that none can log in.
    """
    return {
        "vhosts": [{"name": vhost}],
        "users": [user(rights, prefix) for rights in RIGHTS],
        "permissions": [{"user": f"{prefix}{rights.user}", "vhost": vhost, **rights.permission()} for rights in RIGHTS],
        "topic_permissions": [each for rights in RIGHTS for each in topic_permissions(rights, vhost, prefix)],
        "policies": [reader_policy(vhost)],
        "exchanges": [exchange_entry(exchange, vhost) for exchange in NOTIFYING.exchanges],
        "queues": [queue_entry(queue, vhost) for queue in NOTIFYING.queues],
        "bindings": [binding for queue in NOTIFYING.queues for binding in binding_entries(queue, vhost)],
    }
