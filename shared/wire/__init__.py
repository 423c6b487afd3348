"""Events as bytes on the broker, and where each goes."""
