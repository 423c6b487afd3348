"""Pages of reference, made from the code: settings, commands and calls, for people who read."""
