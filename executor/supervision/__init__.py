"""The executor as a whole: its breakers, its key, and its figures for people."""
