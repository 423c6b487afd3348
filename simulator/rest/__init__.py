"""The exchange over HTTP: MEXC's own endpoints, and those that control the simulation."""
