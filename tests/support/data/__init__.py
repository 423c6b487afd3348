"""Data of tests: events, rows, requests, strategies."""
