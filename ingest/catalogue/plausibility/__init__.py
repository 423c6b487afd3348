"""Plausibility of source events: thresholds, quarantine, absences, newcomers and gaps in coverage."""
