"""The exchange's clock as seen from here."""
