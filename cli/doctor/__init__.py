"""`sniper doctor`: everything a run depends on, looked at once, each in one line with what to do about it."""
