"""The exchange over its websocket."""
