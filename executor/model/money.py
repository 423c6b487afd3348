"""Units and precision of computations with money. Pure."""

from decimal import ROUND_DOWN, Context, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
"""The unit of limits and reservations, in USDT."""
CAREFUL: Final = Context(prec=120, rounding=ROUND_DOWN)
"""Room for a price times a quantity without rounding, and quotients that never come out too large."""
