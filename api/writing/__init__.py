"""Write side of the API: decisions of operators. Each is made by the function that the command line calls, too."""
