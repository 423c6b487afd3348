"""From a sighting to the bus and the database."""
