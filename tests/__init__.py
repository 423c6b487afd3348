"""Tests, and the real servers they run on."""
