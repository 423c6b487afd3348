"""Services as they are run, reporting when they began with what, as processes of their own."""
