"""Programs beside the tests: preparation, measures and checks of the source, and what writes pages."""
