"""Print every new listing and trade once: `python listings.py amqp://USER:PASSWORD@HOST/VHOST reader.mine`.

Needs pika and cloudevents.
"""

import json
import sys
from collections import OrderedDict

import pika
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_rabbitmq_event

DAY_MS = 24 * 60 * 60 * 1000
KNOWN_MAX = 10_000


def main(url: str, queue: str) -> None:
    known: OrderedDict[str, None] = OrderedDict()

    def on_message(channel, method, properties, body) -> None:
        event = from_rabbitmq_event(RabbitMQMessage({}, properties.content_type, body))
        # Delivery is at least once. Where an event has effects, keep its id in the transaction that has them.
        if event.get_id() not in known:
            known[event.get_id()] = None
            if len(known) > KNOWN_MAX:
                known.popitem(last=False)
            print(json.dumps({"id": event.get_id(), "type": event.get_type(), **event.get_data()}), flush=True)
        channel.basic_ack(method.delivery_tag)

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        # A limit and an end of its own: a consumer that nobody runs any more must not fill the broker's disk.
        limits = {"x-queue-type": "quorum", "x-max-length": 100_000, "x-expires": 7 * DAY_MS}
        channel.queue_declare(queue, durable=True, arguments=limits)
        for routing_key in ("listing.*", "trade.#"):
            channel.queue_bind(queue, "sniper.events", routing_key)
        channel.basic_qos(prefetch_count=100)
        channel.basic_consume(queue, on_message)
        channel.start_consuming()


if __name__ == "__main__":
    main(*sys.argv[1:])
