"""Sources that the exchange pushes over websockets."""
