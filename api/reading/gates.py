"""Gates of live trading: which are open, why the others are not, and what that makes of trading. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from api.reading.answers import ExposureStatus, Gate, Trading
from api.schemas import ComponentHealth, ExposureRow, TradeConfig
from shared.events import HealthStatus, Mode

CENT: Final = Decimal("0.01")
ARMING: Final = frozenset({"live", "auto_trade", "keys"})
"""Gates that people open on purpose."""


def gates(
    executor: ComponentHealth | None, config: TradeConfig, exposure: Sequence[ExposureStatus], *, now: datetime
) -> list[Gate]:
    """Return every condition of live trading as at *now*, in the order in which they are usually seen to."""
    obstacles = _obstacles(executor, config, exposure, now)
    return [Gate(name=name, open=not reason, reason=reason) for name, reason in obstacles]


def trading_of(found: Sequence[Gate]) -> Trading:
    """Return what *found* makes of trading."""
    if all(gate.open for gate in found):
        return "live"
    return "armed" if all(gate.open for gate in found if gate.name in ARMING) else "dry-run"


def against_limit(row: ExposureRow, config: TradeConfig) -> ExposureStatus:
    """Return what is at stake, and what may still be spent."""
    room = max(Decimal(0), config.max_position_usdt - row.reserved_usdt - row.filled_usdt)
    return ExposureStatus(**row.model_dump(), limit_usdt=config.max_position_usdt, room_usdt=room)


def _obstacles(
    executor: ComponentHealth | None, config: TradeConfig, exposure: Sequence[ExposureStatus], now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield each gate with what closes it; nothing where it is open."""
    told: Any = {} if executor is None else executor.facts.get("gates") or {}
    absence = _absence(executor)
    unknown = absence or "the executor has not told yet"
    yield "live", _setting(told, "live", unknown)
    yield "keys", _setting(told, "keys", unknown)
    yield "auto_trade", _auto_trade(config, now)
    yield "halt", _halted(config)
    yield "executor", absence
    # What changes from one moment to the next says nothing once the executor is silent.
    yield "clock", absence or _setting(told, "clock", unknown)
    yield "reconciled", absence or _setting(told, "reconciled", unknown)
    yield "exposure", _full(exposure)


def _auto_trade(config: TradeConfig, now: datetime) -> str:
    """Return why orders may not cost money; past its time the executor goes by it, whoever switches it off."""
    ends = config.auto_trade_until
    if config.auto_trade and ends is not None and ends <= now:
        return f"auto_trade ended at {ends:%Y-%m-%d %H:%M:%S} UTC"
    return "" if config.auto_trade else "auto_trade is off"


def _setting(told: Mapping[str, str], name: str, unknown: str) -> str:
    return told.get(name, unknown)


def _absence(executor: ComponentHealth | None) -> str:
    if executor is None:
        return "the executor was never heard of"
    if executor.status is HealthStatus.STOPPED:
        return "the executor is stopped"
    return f"the executor is {executor.detail}" if executor.status is HealthStatus.ERROR else ""


def _halted(config: TradeConfig) -> str:
    """Return every halt of live purchases in force."""
    halts = (halt for halt in config.halts if halt.mode in {None, Mode.LIVE})
    return "; ".join(f"halted by {halt.cause}: {halt.reason}".rstrip(": ") for halt in halts)


def _full(exposure: Sequence[ExposureStatus]) -> str:
    live = next((row for row in exposure if row.mode is Mode.LIVE), None)
    if live is None or live.room_usdt >= CENT:
        return ""
    return f"max_position_usdt: {live.limit_usdt:f} are at stake already"
