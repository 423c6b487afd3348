"""Metrics of the notifier."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Notices by kind and result; failed attempts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.notices = Counter(
            "sniper_notifier_notices_total", "Notices that the rules let through.", ["kind"], registry=registry
        )
        self.held = Counter("sniper_notifier_held_total", "Notices held back by quiet hours.", registry=registry)
        self.duplicates = Counter(
            "sniper_notifier_duplicates_total", "Events delivered again and not sent twice.", registry=registry
        )
        self.sent = Counter(
            "sniper_notifier_sent_total", "Notices taken by an address, once for each.", registry=registry
        )
        self.failures = Counter("sniper_notifier_failures_total", "Attempts to send that failed.", registry=registry)
        self.given_up = Counter(
            "sniper_notifier_given_up_total", "Notices that an address never took.", registry=registry
        )
        self.commands = Counter(
            "sniper_notifier_commands_total", "Telegram commands by result.", ["result"], registry=registry
        )
