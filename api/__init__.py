"""REST API, and the operator decisions behind its calls and the commands."""
