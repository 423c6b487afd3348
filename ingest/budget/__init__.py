"""Budget of weight shared by all REST requests of ingest."""
