"""Controls of operators: limits, exits, halts, and the sleep of detection."""
