"""Status of trading: gates and exposure."""

from typing import Literal

from pydantic import AwareDatetime

from api.schemas.base import Amount, Answer
from api.schemas.config import TradeConfig
from api.schemas.health import Overall
from shared.events import Mode

Trading = Literal["live", "armed", "dry-run", "unknown"]


class ExposureRow(Answer):
    """Exposure in one mode, and today's orders and spending; days are in UTC."""

    mode: Mode
    reserved_usdt: Amount
    filled_usdt: Amount
    """Cost of positions neither sold nor written off."""
    orders_today: int
    spent_today_usdt: Amount
    failures: int
    """Consecutive."""


class ExposureStatus(ExposureRow):
    """Exposure in one mode, with its limit."""

    limit_usdt: Amount
    room_usdt: Amount
    """Amount that may still be spent."""


class Gate(Answer):
    """One condition of live trading."""

    name: str
    open: bool
    reason: str
    """Why it is closed; empty while it is open."""


class Status(Answer):
    """Status of trading, with the reasons of closed gates."""

    now: AwareDatetime
    exchange_now: AwareDatetime | None
    """By the exchange's clock; null while that is unknown."""
    trading: Trading
    """`live`: an order would cost money now. `armed`: it would, but for closed gates. `dry-run`: orders are only
    computed. `unknown`: no health is stored, and an executor that runs may send orders that cost money."""
    gates: list[Gate]
    """All must be open for an order to cost money."""
    health: Overall
    config: TradeConfig
    exposure: list[ExposureStatus]
