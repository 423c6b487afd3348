"""The schema, as SQLAlchemy metadata."""
