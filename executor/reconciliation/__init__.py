"""Orders and holdings held against the exchange."""
