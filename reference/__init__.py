"""Reference pages generated from the code: settings, commands and the REST API."""
