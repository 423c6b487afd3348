"""Benchmarks of the pipeline, beside the bare floor measured in the same run."""
