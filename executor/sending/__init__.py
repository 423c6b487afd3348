"""From a committed order to its bytes, and to its outcome."""
