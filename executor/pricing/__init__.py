"""The worth of coins by order books and rules. Pure."""
