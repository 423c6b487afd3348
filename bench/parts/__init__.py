"""One benchmark each."""
