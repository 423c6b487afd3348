"""Best prices and trades of the coins that are held, as the exchange pushes them."""
