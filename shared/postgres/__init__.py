"""PostgreSQL: connections, batches, and a server of our own where none is given."""
