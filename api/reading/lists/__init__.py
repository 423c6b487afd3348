"""Lists, by pages as JSON or whole as CSV."""
