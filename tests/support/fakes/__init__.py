"""Stand-ins, and scripted servers on the loopback."""
