"""Health of feeds and of detection."""
