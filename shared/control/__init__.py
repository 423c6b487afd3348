"""Controls of operators: limits, exits, halts, and pauses of detection."""
