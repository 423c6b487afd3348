"""Errors that end a benchmark."""


class BenchmarkError(Exception):
    """The measurement is invalid."""
