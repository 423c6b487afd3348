"""Telegram commands: a few things that an operator may do from a phone. Never resume, never arming, never limits."""
