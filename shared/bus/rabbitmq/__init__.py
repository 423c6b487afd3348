"""The bus on RabbitMQ, the only code that knows its client library."""

from shared.bus.rabbitmq.bus import RabbitBus, connect

__all__ = ["RabbitBus", "connect"]
