"""The bus on RabbitMQ, the only code that knows its client library."""

from shared.bus.rabbitmq.bus import RabbitBus, connect
from shared.bus.rabbitmq.dialling import certificate_expiry

__all__ = ["RabbitBus", "certificate_expiry", "connect"]
