"""Symbols, their trading rules, and their life cycles."""
