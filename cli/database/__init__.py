"""The database's schema, and the rights on it."""
