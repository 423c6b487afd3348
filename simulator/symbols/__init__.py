"""The symbols there are, their rules, and the lives they lead."""
