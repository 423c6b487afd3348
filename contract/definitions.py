"""RabbitMQ's definitions: exchanges, queues, bindings, users and their permissions on an operator's broker.

https://www.rabbitmq.com/docs/definitions
"""

from typing import Any, Final

from contract.rights import READER_QUEUES, RIGHTS, Rights
from shared.bus.port import Queue
from shared.bus.queue_arguments import queue_arguments
from shared.wire.topology import NOTIFYING

Definitions = dict[str, Any]

PREFIX: Final = "sniper-"
_DAY_MS: Final = 24 * 60 * 60 * 1000
READER_LIMITS: Final = {
    # An abandoned consumer must not fill the disk.
    "expires": 7 * _DAY_MS,
    "max-length": 100_000,
    "max-length-bytes": 200_000_000,
    "overflow": "drop-head",
}


def definitions(*, vhost: str = "/", prefix: str = PREFIX) -> Definitions:
    """Return the definitions of one virtual host, with users whose names begin with *prefix*.

    The users have no password, so that none can log in.
    """
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {
                "name": f"{prefix}{rights.user}",
                "password_hash": "",
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
            for rights in RIGHTS
        ],
        "permissions": [{"user": f"{prefix}{rights.user}", "vhost": vhost, **rights.permission()} for rights in RIGHTS],
        "topic_permissions": [
            permission for rights in RIGHTS for permission in _topic_permissions(rights, vhost, prefix)
        ],
        "policies": [
            {
                "vhost": vhost,
                "name": "sniper-readers",
                "pattern": READER_QUEUES,
                "apply-to": "queues",
                "priority": 10,
                "definition": READER_LIMITS,
            }
        ],
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for exchange in NOTIFYING.exchanges
        ],
        "queues": [_queue(queue, vhost) for queue in NOTIFYING.queues],
        "bindings": [binding for queue in NOTIFYING.queues for binding in _bindings(queue, vhost)],
    }


def _topic_permissions(rights: Rights, vhost: str, prefix: str) -> list[Definitions]:
    return [
        {"user": f"{prefix}{rights.user}", "vhost": vhost, "exchange": exchange, **patterns}
        for exchange, patterns in rights.topic_permissions().items()
    ]


def _queue(queue: Queue, vhost: str) -> Definitions:
    return {
        "name": queue.name,
        "vhost": vhost,
        "durable": True,
        "auto_delete": False,
        "arguments": dict(queue_arguments(queue, NOTIFYING.dead)),
    }


def _bindings(queue: Queue, vhost: str) -> list[Definitions]:
    return [
        {
            "source": binding.exchange.name,
            "vhost": vhost,
            "destination": queue.name,
            "destination_type": "queue",
            "routing_key": binding.pattern,
            "arguments": {},
        }
        for binding in queue.bindings
    ]
