"""Middlewares around every route: refusals, limits and headers."""
