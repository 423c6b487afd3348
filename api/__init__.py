"""REST for people and programs; the only writer of trade_config."""
