"""What every log line on a listing's way carries: the listing's key and the event's id."""

from contextlib import AbstractContextManager

from structlog.contextvars import bind_contextvars, bound_contextvars

from shared.events import Event, Listing, RawListing, Trade
from shared.listing_key import key_of


def delivered(event_id: str) -> None:
    """Let every further line of this task name the event that was delivered to it."""
    bind_contextvars(event_id=event_id)


def decoded(event: Event) -> None:
    """Let every further line of this task name the listing that *event* is about, if it is about one."""
    match event:
        case RawListing():
            bind_contextvars(listing=key_of(event))
        case Listing():
            bind_contextvars(listing=event.key)
        case Trade():
            bind_contextvars(listing=event.listing_key)
        case _:
            pass


def about(listing: str, event_id: str) -> AbstractContextManager[None]:
    """Let every line within the block name these."""
    return bound_contextvars(listing=listing, event_id=event_id)


def of_listing(listing: Listing) -> AbstractContextManager[None]:
    """Let every line within the block name *listing* and the event that told of it: an order's, a position's."""
    return bound_contextvars(listing=listing.key, event_id=listing.id)
