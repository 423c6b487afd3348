"""Shared parts of tests: data, stand-ins, and what starts the real things."""
