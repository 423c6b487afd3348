"""Notifier: consumes events and sends messages to people, off the path of orders."""
