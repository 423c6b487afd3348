"""HTTP to the exchange, signed and unsigned."""
