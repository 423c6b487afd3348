"""Measuring tools for the structure of the code base; run each with `python -m`."""
