"""Prices and rules of symbols, read at the exchange and remembered."""
