"""What an order, a fill and a position are. Pure data."""
