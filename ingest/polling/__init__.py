"""Sources that are polled over REST, within one budget."""
