"""Rules of buying and selling, as functions of their arguments. Pure."""
