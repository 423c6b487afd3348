"""The account's private stream: hints on fills and balances, which look-ups by REST confirm. Nothing depends on it."""
