"""Programs beside the tests: preparation, checks of the source, and what writes pages."""
