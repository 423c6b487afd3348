"""The exchange over HTTP: MEXC's endpoints, and those that control the simulation."""
