"""Write side of the API: operator decisions, by the functions shared with the command line."""
