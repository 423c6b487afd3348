"""MEXC: its wire formats and the clients that speak them."""
