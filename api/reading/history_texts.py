"""Entries of the history in words. Pure."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

HistoryKind = Literal[
    "config",
    "halt",
    "halt_and_close",
    "resume",
    "latch",
    "exits",
    "pause",
    "wake",
    "close",
    "write_off",
    "settle",
    "inject",
    "acknowledge",
    "other",
]
Document = Mapping[str, Any]

NONE: Final = "none"


class HistoryText(NamedTuple):
    """Kind and words of an entry."""

    kind: HistoryKind
    words: str


def describe(record: str, subject: str, before: Document | None, after: Document) -> HistoryText:
    """Describe a row of the table or kind *record*."""
    match record:
        case "config" if before is not None:
            return describe_config(before, after)
        case "exits" if before is not None:
            return describe_exits(subject, before, after)
        case "switch":
            return describe_switch(paused=after["paused"], reason=after["reason"])
        case "latch":
            return describe_latch(after["cause"], after["mode"], after["reason"])
        case kind:
            return describe_action(kind, subject, after)


def describe_config(before: Document, after: Document) -> HistoryText:
    """Describe a change of the configuration: a halt, its end, or other values."""
    if before == after:
        return HistoryText("resume", "resumed: what the executor had halted, if anything, is lifted")
    if not after.get("halted"):
        if before.get("halted"):
            return HistoryText("resume", "resumed trading")
        return HistoryText("config", differences(before, after))
    # While everything is being sold, an action recorded beside it shows which of the two halts it was.
    sells_on = before.get("selling_all") and after.get("selling_all")
    if sells_on or all(before.get(name) == after.get(name) for name in _HALTS):
        return HistoryText("config", differences(before, after))
    reason = _because(after.get("halted_reason"))
    if after.get("selling_all") and not before.get("selling_all"):
        return HistoryText("halt_and_close", f"halted purchases and had everything sold{reason}")
    return HistoryText("halt", f"halted purchases{' and sales' if after.get('exits_halted') else ''}{reason}")


def describe_exits(subject: str, before: Document, after: Document) -> HistoryText:
    """Describe a change of one position's exits; fields that are not its own follow the configuration."""
    follow = dict.fromkeys({*before, *after}, "as configured")
    return HistoryText("exits", f"exits of {subject}: {differences({**follow, **before}, {**follow, **after})}")


def describe_action(kind: str, subject: str, details: Document) -> HistoryText:
    """Describe an operator's action, including a repeated one that changed nothing."""
    action = _ACTIONS.get(kind)
    if action is None:
        return HistoryText("other", f"{kind} {subject}".strip())
    symbols = ", ".join(map(str, details.get("symbols") or ()))
    base_qty, cost = details.get("base_qty"), details.get("cost")
    reason = _because(details.get("reason"))
    outcome = "it never took place" if base_qty is None else f"filled {base_qty} for {cost}"
    return HistoryText(
        action.kind, action.words.format(subject=subject, reason=reason, outcome=outcome, symbols=symbols)
    )


def describe_switch(*, paused: bool, reason: str) -> HistoryText:
    """Describe a pause or resumption of detection."""
    return (
        HistoryText("pause", f"paused detection{_because(reason)}")
        if paused
        else HistoryText("wake", "resumed detection")
    )


def describe_latch(cause: str, mode: str | None, reason: str) -> HistoryText:
    """Describe a halt by the executor."""
    return HistoryText("latch", f"halted purchases{f' ({mode})' if mode else ''}, by {cause}{_because(reason)}")


def differences(before: Document, after: Document) -> str:
    """Return the changed fields with both values."""
    names = dict.fromkeys([*before, *after])
    return ", ".join(
        f"{name} {format_value(before.get(name))} → {format_value(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    )


def format_value(value: object) -> str:
    """Format *value* for people."""
    match value:
        case None | [] | "":
            return NONE
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list() | dict():
            return json.dumps(value)
        case _:
            return str(value)


_ACTIONS: Final[Mapping[str, HistoryText]] = MappingProxyType(
    {
        "halt": HistoryText("halt", "halted what was halted{reason}"),
        "halt_and_close": HistoryText("halt_and_close", "halted and had everything sold, as before{reason}"),
        "exits": HistoryText("exits", "exits of {subject}: left as they were"),
        "pause": HistoryText("pause", "paused detection, which was paused{reason}"),
        "wake": HistoryText("wake", "resumed detection, which was on"),
        "close": HistoryText("close", "had {subject} sold"),
        "write_off": HistoryText("write_off", "gave up {subject}{reason}"),
        "settle": HistoryText("settle", "settled {subject}: {outcome}{reason}"),
        "inject": HistoryText("inject", "injected {subject}"),
        "acknowledge": HistoryText("acknowledge", "acknowledged {symbols}"),
    }
)
"""Kind and words of each action; a later version may know others."""
_HALTS: Final = ("halted", "halted_reason", "exits_halted", "selling_all")


def _because(reason: object) -> str:
    return f": {reason}" if reason else ""
