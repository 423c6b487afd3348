"""Ports to the halts, for the parts that send orders."""

from typing import Protocol

from shared.events import Mode


class SaleHalts(Protocol):
    def exits_halted(self) -> str:
        """Return the reason of a halt of sales; empty without one."""


class Halts(SaleHalts, Protocol):
    def buys_halted(self, mode: Mode) -> str:
        """Return the reason of a halt of purchases in *mode*; empty without one."""
