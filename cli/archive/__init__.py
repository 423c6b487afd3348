"""The archive: listings and trades of past days as compressed files, one a table and day, that can be read back."""
