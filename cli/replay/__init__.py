"""`sniper replay`: recorded sightings, decided on again under today's settings, in a private sandbox."""
