"""Buys what dedup announces, once, within limits, or not at all."""
