"""Entries of the history in words that a person understands. Pure."""

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


class Told(NamedTuple):
    """What was done, by kind and in words."""

    kind: HistoryKind
    words: str


def of_config(before: Document, after: Document) -> Told:
    """Tell what a change of the configuration was: a halt, its end, or other values."""
    if before == after:
        return Told("resume", "resumed: what the executor had halted, if anything, is lifted")
    if not after.get("halted"):
        if before.get("halted"):
            return Told("resume", "resumed trading")
        return Told("config", differences(before, after))
    # While everything is being sold an action beside it tells which of the two halts was asked for.
    sells_on = before.get("selling_all") and after.get("selling_all")
    if sells_on or all(before.get(name) == after.get(name) for name in _HALTS):
        return Told("config", differences(before, after))
    reason = _because(after.get("halted_reason"))
    if after.get("selling_all") and not before.get("selling_all"):
        return Told("halt_and_close", f"halted purchases and had everything sold{reason}")
    return Told("halt", f"halted purchases{' and sales' if after.get('exits_halted') else ''}{reason}")


def of_exits(subject: str, before: Document, after: Document) -> Told:
    """Tell how the exits of one position were changed; what is not its own follows the configuration."""
    follow = dict.fromkeys({*before, *after}, "as configured")
    return Told("exits", f"exits of {subject}: {differences({**follow, **before}, {**follow, **after})}")


def of_action(kind: str, subject: str, details: Document) -> Told:
    """Tell what an operator asked for; also where it was asked for before, and so changed nothing."""
    action = _ACTIONS.get(kind)
    if action is None:
        return Told("other", f"{kind} {subject}".strip())
    symbols = ", ".join(map(str, details.get("symbols") or ()))
    reason, outcome = _because(details.get("reason")), _outcome(details)
    return Told(action.kind, action.words.format(subject=subject, reason=reason, outcome=outcome, symbols=symbols))


def of_switch(*, paused: bool, reason: str) -> Told:
    """Tell that detection was let sleep, or go on."""
    return Told("pause", f"paused detection{_because(reason)}") if paused else Told("wake", "resumed detection")


def of_latch(cause: str, mode: str | None, reason: str) -> Told:
    """Tell what the executor found reason to halt for."""
    return Told("latch", f"halted purchases{f' ({mode})' if mode else ''}, by {cause}{_because(reason)}")


def differences(before: Document, after: Document) -> str:
    """Tell each field that differs."""
    names = dict.fromkeys([*before, *after])
    return ", ".join(
        f"{name} {shown(before.get(name))} → {shown(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    )


def shown(value: object) -> str:
    """Return *value* as people read it."""
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


_ACTIONS: Final[Mapping[str, Told]] = MappingProxyType(
    {
        "halt": Told("halt", "halted what was halted{reason}"),
        "halt_and_close": Told("halt_and_close", "halted and had everything sold, as before{reason}"),
        "exits": Told("exits", "exits of {subject}: left as they were"),
        "pause": Told("pause", "paused detection, which was paused{reason}"),
        "wake": Told("wake", "resumed detection, which was on"),
        "close": Told("close", "had {subject} sold"),
        "write_off": Told("write_off", "gave up {subject}{reason}"),
        "settle": Told("settle", "settled {subject}: {outcome}{reason}"),
        "inject": Told("inject", "injected {subject}"),
        "acknowledge": Told("acknowledge", "acknowledged {symbols}"),
    }
)
"""Kind and words of each action; a later version may know others."""
_HALTS: Final = ("halted", "halted_reason", "exits_halted", "selling_all")


def _because(reason: object) -> str:
    return f": {reason}" if reason else ""


def _outcome(details: Document) -> str:
    base_qty, cost = details.get("base_qty"), details.get("cost")
    return "it never took place" if base_qty is None else f"filled {base_qty} for {cost}"
