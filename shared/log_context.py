"""Log context of a listing: its key, and the event's id."""

from contextlib import AbstractContextManager

from structlog.contextvars import bind_contextvars, bound_contextvars

from shared.events import Event, Listing, RawListing, Trade
from shared.mexc.symbols import key_of


def bind_event_id(event_id: str) -> None:
    """Bind the id of the delivered event to further log lines of this task."""
    bind_contextvars(event_id=event_id)


def bind_listing(event: Event) -> None:
    """Bind the listing of *event*, if it has one, to further log lines of this task."""
    match event:
        case RawListing():
            bind_contextvars(listing=key_of(event))
        case Listing():
            bind_contextvars(listing=event.key)
        case Trade():
            bind_contextvars(listing=event.listing_key)
        case _:
            pass


def listing_context(listing: str, event_id: str) -> AbstractContextManager[None]:
    """Bind both to the log lines of the block."""
    return bound_contextvars(listing=listing, event_id=event_id)


def of_listing(listing: Listing) -> AbstractContextManager[None]:
    """Name *listing* and the event that announced it on every log line of the block."""
    return bound_contextvars(listing=listing.key, event_id=listing.id)
