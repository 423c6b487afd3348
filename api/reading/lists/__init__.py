"""Lists, read by pages or as a whole."""
