"""Vocabulary and adapters shared by two or more services."""
