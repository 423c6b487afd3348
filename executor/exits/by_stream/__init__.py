"""Positions judged by pushes of their coins, beside the looks by REST."""
