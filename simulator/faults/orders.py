"""Faults of accepted orders: visibility, final status, and balances."""

from simulator.faults.kind import FaultKind
from simulator.faults.response_faults import FaultOptions

ROWS = (
    FaultKind(
        "order_visibility_lag",
        "A placed order is not found (-2013) by queries for `seconds`.",
        options=("seconds",),
    ),
    FaultKind(
        "order_hidden",
        "A placed order is missing from `views` for `seconds`, or for ever when that is null.",
        options=("views", "seconds"),
        defaults=FaultOptions(seconds=None),
    ),
    FaultKind(
        "order_late",
        "An order is taken, and neither shown nor matched until `seconds` later.",
        options=("seconds",),
    ),
    FaultKind(
        "order_ends",
        "An order takes `fraction` of its quantity and ends at once, under the status `word`.",
        options=("word", "fraction"),
        defaults=FaultOptions(fraction=0),
    ),
    FaultKind(
        "ioc_rests",
        "An IMMEDIATE_OR_CANCEL order takes `fraction` of its quantity; the rest stays open until cancelled.",
        options=("fraction",),
        defaults=FaultOptions(fraction=0),
    ),
    FaultKind(
        "settle_lag",
        "Coins that were bought show in the balances and can be sold (until then 30005) `seconds` later.",
        options=("seconds",),
    ),
    FaultKind(
        "balance_lag",
        "For `seconds` after an order the account shows the balances from before it.",
        options=("seconds",),
    ),
    FaultKind(
        "duplicate_client_id_reject",
        "An order whose client id was used before on its symbol is refused; without this it is accepted.",
        count=None,
    ),
    FaultKind(
        "clock_skew",
        "The exchange's clock is `seconds` ahead (behind when negative).",
        endpoint="*",
        count=None,
        options=("seconds",),
    ),
)
