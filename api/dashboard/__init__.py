"""The dashboard: static files, served to those who are signed in. Everything it shows comes from the public API."""
