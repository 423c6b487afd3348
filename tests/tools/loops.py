"""Check that a loop over many things is isolated: a fault of one of them concerns that one.

Looks for loops, comprehensions and gatherings in the services, and in what they share, that wait for or read something
for each item, without `shared.errors` or a broad `except` around it. Where one failure may concern all, the loop is
named below, and why.
`.venv/bin/python -m tests.tools.loops` prints the findings; `make check` runs it.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("api", "dedup", "executor", "ingest", "notifier", "persister", "shared")
READERS: Final = frozenset(
    {"Decimal", "HealthStatus", "Mode", "OrderState", "decode", "model_validate", "order_of", "position_of"}
)
"""What turns one item into something, and raises where it cannot."""

MAY_FAIL_AS_A_WHOLE: Final[Mapping[str, str]] = {
    "api/access/middleware/hosts.py:__call__": "The headers of one request, which is refused.",
    "api/operator/close_requests.py:request": "All of them or none, in one transaction.",
    "api/operator/config_history.py:page_of": "A page with a change left out would not show who changed what.",
    "api/reading/statistics/all_time.py:before": "A sum with a part left out would not be the sum; it goes on there next time.",
    "api/queries.py:open_orders": "A page with a row left out would not be what it says; the answer is an error.",
    "api/queries.py:also_seen": "Computed by one statement from columns of one type.",
    "api/reading/statistics/results.py:window_results": "The modes are constants, and the mode of a row is one of them by constraint.",
    "api/reading/status.py:exposure_of": "Two rows, seeded by the migration; without either the status would be wrong.",
    "api/streaming/event_rows.py:event_frames": "One statement for each kind of row; what is wrong with one is the database's.",
    "api/operator/unplaced_symbols.py:acknowledge": "All of them or none, in one transaction.",
    "api/operator/unplaced_symbols.py:newest": "Columns of one type each; a row left out would be a name that nobody sees.",
    "api/operator/write_offs.py:request": "All of them or none, in one transaction.",
    "executor/reconciliation/balance_check.py:allotted": "Constants only; the balances are read before.",
    "executor/venues/order_lookup.py:find": "The ways of looking for one order; what one way refuses is kept, and the next taken.",
    "executor/venues/exchange_connections.py:open_exchange": "Clients are made at the start, and ask nothing yet.",
    "executor/venues/exchange_connections.py:_with_keys": "Clients are made at the start, and ask nothing yet.",
    "executor/exits/monitor.py:_look_at": "A look that fails is made again a second later, and the watchdog reports it meanwhile.",
    "executor/model/fill.py:fees_of": "The fees of one order; constants only.",
    "executor/supervision/unexplained_holdings.py:_explained": "Constants only; the balances are read before.",
    "executor/journal/rehearsal.py:rehearse": "Constants only; a round that fails is made again two seconds later.",
    "executor/journal/settlement.py:_record_other_fees": "The fees of one order, all of them in its transaction.",
    "executor/journal/rehearsal.py:rehearse_twice": "Constants only; a round that fails is made again two seconds later.",
    "executor/exits/book_reader.py:close": "Questions that are given up; what they raise is dropped.",
    "executor/reconciliation/order_reconciler.py:obstacles": "Each look-up answers for itself and raises nothing.",
    "executor/reconciliation/order_reconciler.py:look_up_due": "Each look-up answers for itself and raises nothing.",
    "shared/mexc/streams/connection.py:follow": "Requests on one socket, which a failure ends.",
    "ingest/streams/ticker_stream.py:_salvaged": "Each item is read behind a guard of its own; the wait gives up a turn.",
    "ingest/detector.py:report": "A sighting that is not published is held by the publisher, which raises nothing.",
    "notifier/dispatcher.py:open_dispatcher": "Channels are made at the start, and send nothing yet.",
    "notifier/dispatcher.py:send_held": "Each delivery retries and gives up for itself, and raises nothing of its channel.",
    "notifier/telegram/updates.py:read_updates": "Without its number an update cannot be confirmed; its words are read apart.",
    "shared/bus/embedded/bus.py:_bury_expired": "Queues of one database; made up for a moment later.",
    "shared/bus/embedded/bus.py:keep_up": "Queues of one database; made up for at the next turn.",
    "shared/bus/rabbitmq/inspection.py:missing": "One broker is asked; without an answer nothing is said.",
    "shared/bus/rabbitmq/entities.py:bind": "The bindings of one queue.",
    "shared/bus/rabbitmq/topology_declarer.py:declare": "One broker at a start, which is tried again.",
    "shared/bus/delivery.py:_handle_and_publish": "What follows from one message, which is delivered again.",
    "shared/mexc/filters.py:filters_of": "Guarded against what an entry may raise.",
    "shared/mexc/orders/order_connection.py:_kept": "The headers of one answer.",
    "shared/mexc/orders/order_connection.py:open_lines": "Lines are made at the start, and connect for themselves.",
    "shared/mexc/symbol_payloads.py:names_among": "Guarded against what an entry may raise.",
    "shared/mexc/chunked_json.py:_pieces": "Pieces of one answer, whose entries are read apart.",
    "shared/mexc/chunked_json.py:is_unchanged": "Bytes are compared; the wait gives up a turn.",
    "shared/mexc/market_data.py:_entries": "Each entry is read behind a guard of its own; the wait gives up a turn.",
    "shared/mexc/market_data.py:_names": "What cannot be read as a whole is read name by name; the wait gives up a turn.",
    "shared/mexc/market_data.py:_readable": "Entries that are read already; the wait gives up a turn.",
    "shared/mexc/market_data.py:book_tickers": "Guarded against what an entry may raise; the wait gives up a turn.",
    "shared/mexc/website.py:new_coins": "Each entry is read behind a guard of its own; the wait gives up a turn.",
}


def findings() -> Sequence[str]:
    """Return the findings, one line each: loops that are not isolated, and names above that excuse nothing."""
    found = {
        f"{path.relative_to(ROOT)}:{function}"
        for service in SERVICES
        for path in sorted((ROOT / service).rglob("*.py"))
        for function in loops_that_fail_together(path.read_text())
    }
    return [
        *(
            f"{name}: one item's failure ends the loop; use shared.errors"
            for name in sorted(found - set(MAY_FAIL_AS_A_WHOLE))
        ),
        *(
            f"{name}: is excused in tests/tools/loops.py and needs no excuse"
            for name in sorted(set(MAY_FAIL_AS_A_WHOLE) - found)
        ),
    ]


def loops_that_fail_together(source: str) -> Iterator[str]:
    """Yield the name of each function in *source* that has one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_fails_together, _within(node))):
            yield node.name


def _within(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what belongs to *function* and not to one inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _within(child)


def _fails_together(node: ast.AST) -> bool:
    match node:
        case ast.For() | ast.AsyncFor():
            return not _only_counts(node.iter) and any(not _is_guarded(step) and _may_fail(step) for step in node.body)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return any(map(_may_fail, (node.elt, *_conditions(node))))
        case ast.DictComp():
            return any(map(_may_fail, (node.key, node.value, *_conditions(node))))
        case ast.Call():
            many = any(isinstance(each, ast.Starred) for each in node.args)
            reads_each = _name(node) == "map" and _named(node.args[0]) in READERS
            return (_name(node) == "gather" and many) or reads_each
    return False


def _only_counts(over: ast.expr) -> bool:
    """Return whether a loop counts attempts at one thing."""
    return isinstance(over, ast.Call) and _name(over) in {"count", "range"}


def _conditions(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> list[ast.expr]:
    return [condition for generator in node.generators for condition in generator.ifs]


def _is_guarded(step: ast.stmt) -> bool:
    """Return whether *step* catches whatever one item raises, also within a block of its own."""
    if isinstance(step, ast.With):
        return all(_is_guarded(each) or not _may_fail(each) for each in step.body)
    return isinstance(step, ast.Try) and any(
        handler.type is None or _named(handler.type) in {"Exception", "BaseException"} for handler in step.handlers
    )


def _may_fail(part: ast.AST) -> bool:
    """Return whether *part* waits for something, or reads something."""
    return any(
        isinstance(each, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(each, ast.Call) and _name(each) in READERS)
        for each in ast.walk(part)
    )


def _name(call: ast.Call) -> str:
    return _named(call.func)


def _named(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


if __name__ == "__main__":
    wrong = findings()
    print("\n".join(wrong) or "Every loop over many things is honest.")  # noqa: T201 - the word of a command
    sys.exit(bool(wrong))
