"""`sniper replay`: what was seen once, decided on again under today's settings, in a sandbox that nobody else uses."""
