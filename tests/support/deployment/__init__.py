"""Tools that deploy, build and monitor, and their files."""
