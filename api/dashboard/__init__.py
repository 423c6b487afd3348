"""The dashboard: static files for signed-in users. All its data comes from the public API."""
