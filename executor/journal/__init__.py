"""The journal of orders and positions: each step one transaction."""
