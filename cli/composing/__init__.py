"""Compositions of services, as processes."""
