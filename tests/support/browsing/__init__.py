"""A real browser before the dashboard."""
