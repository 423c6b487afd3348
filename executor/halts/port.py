"""The halts, as those that send orders ask for them."""

from typing import Protocol

from shared.events import Mode


class SaleHalts(Protocol):
    def exits_halted(self) -> str:
        """Return why nothing may be sold now; empty where it may."""


class Halts(SaleHalts, Protocol):
    def buys_halted(self, mode: Mode) -> str:
        """Return why nothing may be bought in *mode* now; empty where it may."""
