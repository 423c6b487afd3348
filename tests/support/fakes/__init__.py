"""Stand-ins, and servers on the loopback that do what a test tells them."""
