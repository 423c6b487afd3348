from datetime import timedelta

from shared.bus.amqp_arguments import queue_arguments
from shared.bus.port import Exchange, Queue

DEAD = Exchange("dead", "fanout")


def test_dead_letters_survive_their_way_to_the_grave() -> None:
    arguments = queue_arguments(Queue("q", ()), DEAD)

    # The three that RabbitMQ asks for together; without one of them it loses dead letters in silence.
    assert arguments["x-dead-letter-exchange"] == "dead"
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"


def test_broker_counts_further_than_we_do() -> None:
    queue = Queue("q", ())

    assert int(queue_arguments(queue, DEAD)["x-delivery-limit"]) > queue.deliveries_max > queue.attempts_max


def test_time_to_live_is_told_in_milliseconds() -> None:
    queue = Queue("q", (), time_to_live=timedelta(seconds=1.5))

    assert queue_arguments(queue, DEAD)["x-message-ttl"] == 1500


def test_queue_without_dead_letters_is_never_made_to_drop_a_message() -> None:
    arguments = queue_arguments(Queue("dead", (), dead_letters=False), DEAD)

    assert "x-dead-letter-exchange" not in arguments
    assert int(arguments["x-delivery-limit"]) > 1_000_000


def test_stream_forgets_by_age_and_by_size() -> None:
    arguments = queue_arguments(Queue("archive", (), kind="stream"), DEAD)

    assert arguments["x-queue-type"] == "stream"
    assert {"x-max-age", "x-max-length-bytes"} <= set(arguments)
