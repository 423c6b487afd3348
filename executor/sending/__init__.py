"""From a decision on a purchase to its bytes, and to its outcome."""
