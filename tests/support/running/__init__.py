"""Ours, started for a test."""
