"""Watches the exchange and publishes what each source sees."""
