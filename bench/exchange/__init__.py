"""A minimal exchange for benchmarks."""
