"""Rejection of implausible events: thresholds, quarantine, absences, newcomers and gaps in coverage."""
