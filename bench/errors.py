"""What ends a benchmark."""


class BenchmarkError(Exception):
    """What was measured is not what was meant; the figures would lie."""
