"""Deduplication: many sightings become exactly one listing."""
