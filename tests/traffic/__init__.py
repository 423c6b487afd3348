"""A day of the exchange, played in minutes: its events, and their expected results."""
