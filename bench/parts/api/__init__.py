"""Reading from the API: times of its answers, and of the dashboard until it shows something."""
