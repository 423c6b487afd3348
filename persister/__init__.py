"""The only writer of listings, trades and bot_health."""
