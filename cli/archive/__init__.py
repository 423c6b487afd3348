"""The archive: listings and trades of past days as compressed, restorable files, one per table and day."""
