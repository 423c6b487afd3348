"""A day of the exchange, told in minutes: what happens in it, and what must come of that."""
