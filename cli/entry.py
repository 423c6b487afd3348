"""Entry point of the `sniper` command: Ctrl-C ends it without a traceback while its modules are imported, too."""

import signal


def main() -> None:
    """Import the command, and run it."""
    # Not where a shell has it ignored.
    is_caught = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_caught:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from cli import main as command  # noqa: PLC0415 - takes the time that an interrupt may fall into

    if is_caught:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command.main()
