"""Sources pushed by the exchange over websockets."""
