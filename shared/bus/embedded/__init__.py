"""In-process bus, durable in PostgreSQL."""

from shared.bus.embedded.bus import EmbeddedBus, open_embedded

__all__ = ["EmbeddedBus", "open_embedded"]
