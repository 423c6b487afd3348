"""Decisions on listings in words, with the limits that applied. Pure."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from api.reading.reason_texts import code_of, reason_sentence, reason_text
from api.schemas import Decision, TradeRow
from shared.events import Mode, Side, TradeStatus


def decision_of(trade: TradeRow, limits: Mapping[str, JsonValue]) -> Decision:
    """Return the outcome of a purchase; *limits* are the executor's, which trade_config does not hold."""
    code, _ = code_of(trade.error_reason)
    known = {**limits, **(trade.config or {})}
    values = {name: known[name] for name in reason_text(code).limits if known.get(name) is not None} if code else {}
    bound = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    return Decision(mode=trade.mode, status=trade.status, code=code, words=words_of(trade), limits=bound)


def decisions_of(trades: Iterable[TradeRow], limits: Mapping[str, JsonValue]) -> list[Decision]:
    """Return the outcome of each purchase in *trades*: at most one per mode, save orders that appeared later."""
    return [decision_of(trade, limits) for trade in trades if trade.side is Side.BUY]


def words_of(trade: TradeRow) -> str:
    """Return the outcome of a purchase in words, with the reason if there is one."""
    reason = reason_sentence(trade.error_reason)
    match trade.status:
        case TradeStatus.FILLED:
            price = "" if trade.average_price is None else f" at {trade.average_price:f}"
            bought = "Bought" if trade.mode is Mode.LIVE else "Bought on paper"
            return f"{bought} for {trade.quote_qty:f} USDT{price}" + (f"; {reason}" if reason else "")
        case TradeStatus.PENDING:
            return f"Not decided yet: {reason or 'the order waits or is under way'}"
        case _:
            return f"Not bought: {reason or 'no reason was told'}"
