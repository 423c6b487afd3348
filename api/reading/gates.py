"""Gates of live trading: open or closed, with reasons, and the resulting state of trading. Pure."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from api.schemas import ComponentHealth, ExposureRow, ExposureStatus, Gate, TradeConfig, Trading
from shared.events import HealthStatus, Mode

CENT: Final = Decimal("0.01")
ARMING: Final = frozenset({"live", "auto_trade", "keys"})
"""Gates that people open on purpose."""


def live_gates(
    executor: ComponentHealth | None,
    config: TradeConfig,
    exposure: Sequence[ExposureStatus],
    *,
    now: datetime,
    gap: str = "",
) -> list[Gate]:
    """Return every gate of live trading at *now*, in the order in which they are usually opened.

    *gap* says since when no health is stored: what the executor is to vouch for is not known then.
    """
    facts: Any = {} if executor is None else executor.facts.get("gates") or {}
    absence = _absence(executor, gap)
    unknown = absence or "the executor has not told yet"
    full = next((row for row in exposure if row.mode is Mode.LIVE and row.room_usdt < CENT), None)
    halts = (halt for halt in config.halts if halt.mode in {None, Mode.LIVE})
    reasons = {
        "live": facts.get("live", unknown),
        "keys": facts.get("keys", unknown),
        "auto_trade": _auto_trade(config, now),
        "halt": "; ".join(f"halted by {halt.cause}: {halt.reason}".rstrip(": ") for halt in halts),
        "executor": absence,
        # Volatile facts are meaningless once the executor is silent.
        "clock": absence or facts.get("clock", unknown),
        "reconciled": absence or facts.get("reconciled", unknown),
        "exposure": "" if full is None else f"max_position_usdt: {full.limit_usdt:f} are at stake already",
    }
    return [Gate(name=name, open=not reason, reason=reason) for name, reason in reasons.items()]


def trading_of(found: Sequence[Gate], *, gap: str = "") -> Trading:
    """Return the state of trading that results from *found*; not known where the *gap* alone closes any."""
    reasons = {gate.reason for gate in found if not gate.open}
    if not reasons:
        return "live"
    if gap and reasons == {_not_known(gap)}:
        return "unknown"
    return "armed" if all(gate.open for gate in found if gate.name in ARMING) else "dry-run"


def against_limit(row: ExposureRow, config: TradeConfig) -> ExposureStatus:
    """Return the exposure with its limit and the room left."""
    room = max(Decimal(0), config.max_position_usdt - row.reserved_usdt - row.filled_usdt)
    return ExposureStatus(**row.model_dump(), limit_usdt=config.max_position_usdt, room_usdt=room)


def _auto_trade(config: TradeConfig, now: datetime) -> str:
    """Return the reason that closes the gate; the executor honours the end time even before it is switched off."""
    ends = config.auto_trade_until
    if config.auto_trade and ends is not None and ends <= now:
        return f"auto_trade ended at {ends:%Y-%m-%d %H:%M:%S} UTC"
    return "" if config.auto_trade else "auto_trade is off"


def _not_known(gap: str) -> str:
    return f"{gap}: it is not known whether an executor runs"


def _absence(executor: ComponentHealth | None, gap: str) -> str:
    if gap and (executor is None or executor.status in {HealthStatus.STOPPED, HealthStatus.ERROR}):
        return _not_known(gap)
    if executor is None:
        return "the executor was never heard of"
    if executor.status is HealthStatus.STOPPED:
        return "the executor is stopped"
    return f"the executor is {executor.detail}" if executor.status is HealthStatus.ERROR else ""
