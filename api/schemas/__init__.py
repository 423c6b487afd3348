"""Answers of the API, as OpenAPI shows them, by subject."""
