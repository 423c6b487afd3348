"""Orders, their trades and the account behind the API key."""
