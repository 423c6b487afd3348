"""The `sniper` command; the only package that composes several services in one process."""
