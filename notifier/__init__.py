"""Notifier: a consumer of events that sends messages to people. Never on the way of money."""
