"""One rate limiter for every request to the exchange."""
