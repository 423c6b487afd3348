"""Time limits of one websocket connection: its lifetime, its idle time, and its time without a subscription. Pure."""

from simulator.settings import SimulatorSettings


class TimeLimits:
    """Times of a connection, in seconds of any monotonic clock."""

    def __init__(self, settings: SimulatorSettings, now: float) -> None:
        self._settings = settings
        self._opened = self._flowed = self._subscribed = now

    def note_traffic(self, now: float) -> None:
        """Note a frame in either direction."""
        self._flowed = now

    def note_subscription(self, now: float) -> None:
        """Note that there is a subscription."""
        self._subscribed = now

    def seconds_left(self, now: float) -> float:
        """Return the time until the first limit is exceeded."""
        ends = (
            self._opened + self._settings.ws_lifetime_seconds,
            self._flowed + self._settings.ws_idle_seconds,
            self._subscribed + self._settings.ws_unsubscribed_seconds,
        )
        return min(ends) - now
