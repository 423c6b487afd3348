"""Findings on limits, halts, trading gates and services, from the data of `sniper status`. Pure."""

from decimal import Decimal
from typing import Final

from cli.doctor.finding import Finding, note, well, wrong
from cli.operating import config as configuration
from cli.operating.status import Status

LIMITS: Final = ("limits", "halts", "trading", "services")
FULL: Final = Decimal("0.9")
"""Above this fraction of the limit, the next listing is bought small or not at all."""

UNHEARD: Final = "see that the persister runs, and that RabbitMQ takes what is published: no service is heard before"


def limits_findings(status: Status) -> list[Finding]:
    """Return the findings on limits, halts, gates and services."""
    return [judge_limits(status), judge_halts(status), judge_trading(status), judge_services(status)]


def judge_limits(status: Status) -> Finding:
    config = status.config
    told = f"{config.max_trade_usdt:f} USDT a trade, {config.max_position_usdt:f} at stake at most"
    full = [
        f"{each.limit_usdt - each.room_usdt:f} of {each.limit_usdt:f} USDT are at stake ({each.mode})"
        for each in status.exposure
        if each.limit_usdt - each.room_usdt > FULL * each.limit_usdt
    ]
    if full:
        return wrong(LIMITS[0], f"{told}; {', '.join(full)}", "sell something, or raise max_position_usdt")
    if status.config.daily_loss_usdt_max is None and status.trading != "dry-run":
        unlimited = f"{told}; live trading without a limit on a day's loss"
        return note(LIMITS[0], unlimited, "`sniper config set daily_loss_usdt_max AMOUNT`")
    return well(LIMITS[0], told)


def judge_halts(status: Status) -> Finding:
    halts = configuration.halt_lines(status.config)
    if halts:
        return wrong(LIMITS[1], "; ".join(halts), "`sniper resume` lifts it, once its cause is gone")
    return well(LIMITS[1], "none")


def judge_trading(status: Status) -> Finding:
    closed = [f"{gate.name}: {gate.reason}" for gate in status.gates if not gate.open]
    match status.trading:
        case "live":
            return well(LIMITS[2], "live: orders cost money")
        case "armed":
            return wrong(LIMITS[2], f"armed, but no order goes out: {'; '.join(closed)}", "open what is closed")
        case "unknown":
            return wrong(LIMITS[2], f"not known, orders may cost money: {status.health.gap}", UNHEARD)
        case "dry-run":
            return note(LIMITS[2], f"dry-run ({'; '.join(closed)})")


def judge_services(status: Status) -> Finding:
    if status.health.status == "ok":
        return well(LIMITS[3], ", ".join(each.component_name for each in status.health.components) or "none yet")
    unhealthy = [
        f"{each.component_name} {each.status}: {each.detail}"
        for each in status.health.components
        if each.status != "running"
    ]
    told = "; ".join(unhealthy) or "nothing was ever heard of one"
    if unhealthy and status.health.gap:
        return wrong(LIMITS[3], f"{status.health.gap}: {told}", UNHEARD)
    return wrong(LIMITS[3], told, "start them (`sniper up`, `sniper run NAME`), and read their log")
