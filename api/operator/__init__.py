"""Operator decisions, shared by the API and the commands; each module is the only writer of its table."""
