"""What surrounds every route: refusals, limits and headers."""
