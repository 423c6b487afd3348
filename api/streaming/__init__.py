"""Event stream of the API: events are read once, encoded once, and sent to every client as the same bytes."""
