"""Plausibility of source events: thresholds, quarantine, newcomers, gaps in coverage and vanished symbols."""
