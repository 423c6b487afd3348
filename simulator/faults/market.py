"""Faults of market data: the list of symbols and the order books."""

from dataclasses import replace

from simulator.faults import response_faults
from simulator.faults.kind import BOOK, EXCHANGE_INFO, FaultKind

ROWS = (
    FaultKind(
        "exchange_info_empty",
        "exchangeInfo holds no symbols.",
        endpoint=EXCHANGE_INFO,
        transform=lambda options, reply: response_faults.keep_fraction(replace(options, fraction=0), reply),
    ),
    FaultKind(
        "exchange_info_shrunk",
        "exchangeInfo holds the first `fraction` of the symbols.",
        endpoint=EXCHANGE_INFO,
        options=("fraction",),
        transform=response_faults.keep_fraction,
    ),
    FaultKind(
        "exchange_info_swollen",
        "exchangeInfo holds `extra` symbols more, that were never listed.",
        endpoint=EXCHANGE_INFO,
        options=("extra",),
        transform=response_faults.swell,
    ),
    FaultKind(
        "exchange_info_html",
        "exchangeInfo is an HTML page with status 200, as a firewall sends.",
        endpoint=EXCHANGE_INFO,
        transform=response_faults.html,
    ),
    FaultKind(
        "book_look",
        "The book of `symbol` looks like `bids` and `asks` (a side not given: as it is) and trades as it is.",
        endpoint=BOOK,
        options=("bids", "asks"),
        transform=response_faults.look,
    ),
    FaultKind(
        "bad_book",
        "In the best levels of the book of `symbol`, `field` is `value`, or absent when `missing` is true.",
        endpoint=BOOK,
        options=("field", "value", "missing"),
        transform=response_faults.bad_book,
    ),
)
