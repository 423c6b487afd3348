"""The parts of docs/orders.md that follow from the code. ``python -m tests.tools.order_page`` writes them anew."""

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from executor.model.order_state import AT_LARGE, FINAL, TABLE, OrderEvent, OrderState
from executor.model.reasons import Reason
from executor.model.send_result import (
    NotOpen,
    PriceRefused,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    WrongSize,
)
from executor.settings import ExecutorSettings
from executor.venues.error_codes import CODES, UNKNOWN_CODE, Code, Said

Word = TypeVar("Word", bound=StrEnum)
PAGE = Path(__file__).parents[2] / "docs" / "orders.md"
_FIRST = (OrderState.ARMED, OrderState.SENDING, OrderState.REJECTED)
WORDS: Mapping[type[SendResult], str] = MappingProxyType(
    {
        NotOpen: "not open",
        PriceRefused: "too dear",
        WrongSize: "wrong size",
        TimestampRefused: "untimely",
        Throttled: "busy",
        Unanswered: "unanswered",
    }
)
REFUSED, STOPS, PAIR = "refused", "refused, and trading halts", "refused, and trading halts after several symbols"


def diagram() -> str:
    first = [f"    [*] --> {state}" for state in _FIRST]
    steps = [f"    {state} --> {to}: {event} / {effect}" for (state, event), (to, effect) in TABLE.items()]
    last = [f"    {state} --> [*]" for state in OrderState if state in FINAL]
    title = "    accTitle: The states of an order, what leads from one to another, and what that does to its money"
    return "\n".join(["```mermaid", "stateDiagram-v2", title, *first, *steps, *last, "```"])


def states() -> str:
    return _table(
        ("state", "what it means", "its money"),
        [(f"`{state}`", told, _money(state)) for state, told in _documented(OrderState).items()],
    )


def events() -> str:
    return _table(("event", "what happened"), [(f"`{event}`", told) for event, told in _documented(OrderEvent).items()])


def codes() -> str:
    rows = [(f"`{number}`", *_code_cells(code)) for number, code in CODES.items()]
    return _table(
        ("code", "says", "taken as", "reason"), [*rows, (UNKNOWN_CODE.says, "", *_code_cells(UNKNOWN_CODE)[1:])]
    )


def reasons() -> str:
    return _table(("code", "why"), [(f"`{reason}`", told) for reason, told in _documented(Reason).items()])


def settings() -> str:
    prefix, fields = ExecutorSettings.model_config.get("env_prefix", ""), ExecutorSettings.model_fields
    rows = [(f"`{prefix}{name.upper()}`", _default(fields[name].default), says) for name, says in _meanings().items()]
    assert len(rows) == len(fields)
    return _table(("variable", "default", ""), rows)


PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"diagram": diagram, "states": states, "events": events, "codes": codes, "reasons": reasons, "settings": settings}
)


def refreshed(page: str) -> str:
    """Return *page* with what stands between the marks of each part replaced by that part."""
    for name, part in PARTS.items():
        before, begun, rest = page.partition(f"<!-- {name} -->\n")
        _, ended, after = rest.partition(f"<!-- /{name} -->")
        assert begun, f"{name} has no place in the page"
        assert ended, f"{name} has no end in the page"
        page = f"{before}{begun}{part()}\n{ended}{after}"
    return page


def _money(state: OrderState) -> str:
    if state in AT_LARGE:
        return "reserved"
    return "what it spent" if state in (OrderState.FILLED, OrderState.PARTIALLY_FILLED) else "none"


def _code_cells(code: Code) -> tuple[str, str, str]:
    verdict = code.verdict(Said(code.says))
    if isinstance(verdict, Rejected) and verdict.reason is Reason.PAIR_REFUSED:
        return code.says, PAIR, ""
    if isinstance(verdict, Rejected):
        return code.says, STOPS if verdict.stop else REFUSED, f"`{verdict.reason}`"
    return code.says, WORDS[type(verdict)], f"`{verdict.reason}`" if isinstance(verdict, WrongSize) else ""


def _documented(members: type[Word]) -> dict[Word, str]:
    """Return each member with the string that follows it in the source."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(members)).body if isinstance(node, ast.ClassDef))
    told: dict[Word, str] = {}
    for assigned, following in pairwise(body):
        match assigned, following:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(text))):
                told[members[name]] = " ".join(text.split())
    assert set(told) == set(members), f"without a word: {set(members) - set(told)}"
    return told


def _meanings() -> dict[str, str]:
    """Return the fields of the executor's settings as the source orders them, each with the string that follows it."""
    meanings: dict[str, str] = {}
    for parent in ExecutorSettings.__bases__:
        (body,) = (node.body for node in ast.parse(inspect.getsource(parent)).body if isinstance(node, ast.ClassDef))
        for assigned, following in pairwise([*body, ast.Pass()]):
            match assigned, following:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    meanings[name] = " ".join(text.split()).replace("``", "`")
                case ast.AnnAssign(target=ast.Name(name)), _:
                    meanings[name] = ""
    return meanings


def _default(value: object) -> str:
    match value:
        case None:
            return "none"
        case frozenset():
            return f"`{','.join(sorted(value))}`"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
