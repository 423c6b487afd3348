"""The schema of the database, and the rights on it."""
