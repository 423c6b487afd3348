"""Output: sightings to the bus, records to the database."""
