"""Embedded PostgreSQL from a wheel, for installations without a database of their own."""

from shared.postgres.embedded.server import running

__all__ = ["running"]
