"""Vocabulary and adapters that two or more services need."""
