"""Statistics and results."""
