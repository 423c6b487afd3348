"""`sniper doctor`: checks of everything a run depends on, one line each with advice."""
