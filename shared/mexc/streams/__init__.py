"""Websocket connections to the exchange: subscriptions, stalls, rotation."""
