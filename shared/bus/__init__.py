"""Publish with confirm, consume with a handler: one port, two adapters (RabbitMQ, in-process)."""
