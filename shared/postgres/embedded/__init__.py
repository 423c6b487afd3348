"""A real PostgreSQL that came in a wheel, for installations that name no database of their own."""

from shared.postgres.embedded.server import running

__all__ = ["running"]
