"""AsyncAPI document: the events on each exchange, their routing keys and schemas.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
https://github.com/asyncapi/bindings/tree/master/amqp
"""

from typing import Final

import yaml

from contract.channels import CHANNELS, Document, archive, described, operation
from contract.messages import message, schemas_of
from shared.wire.cloudevents import CONTENT_TYPE

_INTRODUCTION: Final = """\
Every new coin that MEXC lists, once; what is bought and sold of it; and how the system is doing.
Bodies are CloudEvents 1.0 in structured mode. Delivery is at least once: tell duplicates by the event's id.
Ignore fields that you do not know.
"""


def render() -> str:
    """Return the document as YAML."""
    heading = "# Made by `make contract` from shared/events and shared/wire/topology.py.\n"
    return heading + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def document() -> Document:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "MEXC listing sniper",
            "version": "1.0.0",
            "description": _INTRODUCTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ 3.10 or newer; `amqps` where it has a certificate.",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "5672"}},
            }
        },
        "channels": {channel.name: described(channel) for channel in CHANNELS} | {"archive": archive()},
        "operations": {f"send{channel.name[0].upper()}{channel.name[1:]}": operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {channel.model.__name__: message(channel.model) for channel in CHANNELS},
            "schemas": schemas_of(channel.model for channel in CHANNELS),
        },
    }


class _Plain(yaml.SafeDumper):
    """Dumps repeated values in full, without aliases, and paragraphs as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


_Plain.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
