"""Orders, fills and positions. Pure data."""
