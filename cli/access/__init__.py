"""Access to the API: tokens and sign-in links."""
