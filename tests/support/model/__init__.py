"""A model of the exchange and the market, for the state machines."""
