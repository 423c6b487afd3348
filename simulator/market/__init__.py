"""The market: books, orders, matching and the account. No clock and no I/O."""
