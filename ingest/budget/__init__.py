"""One budget of weight for every REST request of ingest."""
