"""Event stream of the API: what happens is read once, encoded once, and handed to every client as the same bytes."""
