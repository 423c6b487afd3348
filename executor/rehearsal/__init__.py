"""The way of a purchase is rehearsed, with a coin that there is none of; nothing of it remains."""
