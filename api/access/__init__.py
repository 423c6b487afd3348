"""Access to the API: tokens, sessions of browsers, and the limits and headers around every request."""
