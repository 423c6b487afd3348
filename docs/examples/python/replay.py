"""Read what has been, from `sniper.archive`: `python replay.py amqp://USER:PASSWORD@HOST/VHOST first|TIME`.

TIME is in ISO 8601, for example 2026-03-02T12:00:00Z. Follows what comes, too. Needs pika and cloudevents.
"""

import json
import sys
from datetime import UTC, datetime

import pika
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_rabbitmq_event


def main(url: str, start: str) -> None:
    since = None if start == "first" else datetime.fromisoformat(start).astimezone(UTC)

    def on_message(channel, method, properties, body) -> None:
        event = from_rabbitmq_event(RabbitMQMessage({}, properties.content_type, body))
        # The broker finds the chunk that a time lies in, and sends all of it.
        if since is None or event.get_time() >= since:
            offset = properties.headers["x-stream-offset"]
            print(json.dumps({"offset": offset, "id": event.get_id(), "type": event.get_type()}), flush=True)
        channel.basic_ack(method.delivery_tag)

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        # A stream is read with a prefetch and with acknowledgements, which take nothing out of it.
        channel.basic_qos(prefetch_count=100)
        channel.basic_consume("sniper.archive", on_message, arguments={"x-stream-offset": since or "first"})
        channel.start_consuming()


if __name__ == "__main__":
    main(*sys.argv[1:])
