"""Access to the API: tokens, browser sessions, and the limits and headers of every request."""
