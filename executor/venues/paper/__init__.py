"""The market as a paper order meets it."""
