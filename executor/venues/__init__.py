"""Venues of orders: the exchange, or a dry run of it."""
