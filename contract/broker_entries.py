"""Entries of RabbitMQ's definitions: users, permissions, policies, exchanges, queues and bindings."""

from typing import Any, Final

from contract.rights import READER_QUEUES, Rights
from shared.bus.amqp_arguments import queue_arguments
from shared.bus.port import Exchange, Queue
from shared.wire.topology import NOTIFYING

Definitions = dict[str, Any]

_DAY_MS: Final = 24 * 60 * 60 * 1000
READER_LIMITS: Final = {
    # An abandoned consumer must not fill the disk.
    "expires": 7 * _DAY_MS,
    "max-length": 100_000,
    "max-length-bytes": 200_000_000,
    "overflow": "drop-head",
}


def user(rights: Rights, prefix: str) -> Definitions:
    """Return the user with *rights*, without a password, so that none can log in."""
    return {
        "name": f"{prefix}{rights.user}",
        "password_hash": "",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }


def topic_permissions(rights: Rights, vhost: str, prefix: str) -> list[Definitions]:
    """Return the permissions over routing keys, one per topic exchange."""
    return [
        {"user": f"{prefix}{rights.user}", "vhost": vhost, "exchange": exchange, **patterns}
        for exchange, patterns in rights.topic_permissions().items()
    ]


def reader_policy(vhost: str) -> Definitions:
    """Return the policy that bounds the queues of readers."""
    return {
        "vhost": vhost,
        "name": "sniper-readers",
        "pattern": READER_QUEUES,
        "apply-to": "queues",
        "priority": 10,
        "definition": READER_LIMITS,
    }


def exchange_entry(exchange: Exchange, vhost: str) -> Definitions:
    """Return the durable *exchange*."""
    return {
        "name": exchange.name,
        "vhost": vhost,
        "type": exchange.kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }


def queue_entry(queue: Queue, vhost: str) -> Definitions:
    """Return the durable *queue* with its arguments."""
    return {
        "name": queue.name,
        "vhost": vhost,
        "durable": True,
        "auto_delete": False,
        "arguments": dict(queue_arguments(queue, NOTIFYING.dead)),
    }


def binding_entries(queue: Queue, vhost: str) -> list[Definitions]:
    """Return the bindings of *queue*."""
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
