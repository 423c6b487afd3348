"""Supervision and sale of open positions."""
