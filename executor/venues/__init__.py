"""Where orders go: the exchange, or a dry run of it."""
