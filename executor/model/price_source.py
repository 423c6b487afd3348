"""Source of the prices that a position is judged by."""

from enum import StrEnum


class PriceSource(StrEnum):
    STREAM = "stream"
    REST = "rest"
