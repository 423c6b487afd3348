"""Explanations of errors of the broker and its client library, with the remedy."""

import re
from typing import Final

from aiormq import exceptions
from pamqp.exceptions import PAMQPException

from shared import tls

VARIABLE: Final = "SNIPER_BROKER_URL"
AUTHORITY: Final = "SNIPER_BROKER_CA_FILE"
_SPOKEN: Final = re.compile(r"\b[A-Z_]{6,} - [^'\"\\]*(?:'[^'\"]*'[^'\"\\]*)*")
_BY_WORDS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"vhost.{1,80}not found",
        f"the virtual host is gone: make it (rabbitmqctl add_vhost), or name another in {VARIABLE}",
    ),
    (r"vhost.{1,80}is (deleted|down)", "the virtual host was deleted or stopped"),
    # The client drops the broker's own message here; before anything is opened, it can only refuse the virtual host.
    (
        r"Connection\.OpenOk.{1,20}Connection\.Close",
        (
            "the broker refuses the virtual host, which is gone, closed to the user or full: rabbitmqctl add_vhost "
            f"makes it, set_permissions lets the user in, or name another in {VARIABLE}"
        ),
    ),
    (
        r"Server connection (reset|unexpectedly closed)",
        f"the connection ended amid an answer: the broker went away, or the port in {VARIABLE} speaks no AMQP",
    ),
    (r"access to vhost.{1,80}refused", "the user may not use the virtual host: rabbitmqctl set_permissions lets it in"),
    (r"ACCESS_REFUSED - Login", f"the user or the password is wrong: correct {VARIABLE}"),
    (r"ACCESS_REFUSED", "the user lacks a permission: rabbitmqctl set_permissions gives it"),
    (r"CONNECTION_FORCED", "the broker ended the connection, as it does when it is stopped or an operator closes it"),
    (
        r"PRECONDITION_FAILED",
        "a queue or an exchange is there with other properties than ours: delete it when it is empty",
    ),
    (r"WRONG_VERSION_NUMBER", f"what answers speaks no TLS: correct the port or the amqps:// in {VARIABLE}"),
    (r"RESOURCE_ERROR|RESOURCE_LOCKED", "the broker is short of something, or another connection holds it"),
    (
        r"Connection refused|Connect call failed",
        f"nothing listens there: start the broker, or correct host and port in {VARIABLE}",
    ),
    (r"Basic\.Nack", "a queue is full or could not store the message: empty it, or raise its limit"),
)
"""Patterns of the broker's messages, and their explanations; the first match is taken."""
_BY_CLASS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (exceptions.PublishError, "no queue takes the message: its queue or binding was deleted, and is made again"),
    (exceptions.AuthenticationError, f"the user or the password is wrong: correct {VARIABLE}"),
    (exceptions.ProbableAuthenticationError, f"the user or the password is wrong: correct {VARIABLE}"),
    (exceptions.ChannelNotFoundEntity, "a queue or an exchange was deleted, and is made again"),
    (exceptions.IncompatibleProtocolError, f"what answers does not speak AMQP: correct the port in {VARIABLE}"),
    (exceptions.ProtocolSyntaxError, f"what answers does not speak AMQP as we do: correct host and port in {VARIABLE}"),
    (PAMQPException, f"what answers does not speak AMQP as we do: correct host and port in {VARIABLE}"),
)


def explain_error(error: BaseException) -> str:
    """Explain *error*, with the broker's own message; its message alone where there is no explanation."""
    refused = tls.refusal(error, url=VARIABLE, authority=AUTHORITY)
    if refused is not None:
        return refused
    words = repr(error)
    sentence = explain_words(words)
    if sentence is None:
        sentence = next((meant for kind, meant in _BY_CLASS if isinstance(error, kind)), None)
    if sentence is None:
        return words
    spoken = _SPOKEN.search(words)
    return f"{sentence} ({spoken.group().strip() if spoken else type(error).__name__})"


def explain_words(words: str) -> str | None:
    """Return the explanation of the broker's *words*; None without one."""
    return next((meant for pattern, meant in _BY_WORDS if re.search(pattern, words)), None)
