"""Decisions of operators: the only writers of their tables, shared by the calls and the commands."""
