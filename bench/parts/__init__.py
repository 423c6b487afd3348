"""Benchmarks, one per module, and their loads."""
