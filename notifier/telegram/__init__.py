"""Telegram commands: status, positions, halt and close. Never resume, arm or change limits."""
