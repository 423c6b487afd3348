"""The `sniper` command; the only place that composes several services in one process."""
