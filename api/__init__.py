"""REST for people and programs, and the decisions of operators behind its calls and the commands."""
