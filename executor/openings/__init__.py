"""Orders that wait for an opening."""
