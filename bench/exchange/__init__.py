"""The exchange as the benchmarks need it."""
