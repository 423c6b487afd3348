"""A real PostgreSQL that came in a wheel, for installations that name no database of their own."""

from shared.embedded_postgres.server import running

__all__ = ["running"]
