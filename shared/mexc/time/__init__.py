"""Estimates of the exchange's clock."""
