"""Turns many sightings into exactly one listing."""
