"""Halts of trading: latched, watched, and lifted by operators."""
