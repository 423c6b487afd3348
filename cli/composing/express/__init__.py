"""The express way: ingest, dedup's claim and the executor in one process, a sighting bought before it is announced."""
