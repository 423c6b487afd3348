"""Prices, fees and values by order books and rules. Pure."""
