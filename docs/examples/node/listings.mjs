// Print every new listing once: `node listings.mjs amqp://USER:PASSWORD@HOST/VHOST reader.mine`.
import amqp from "amqplib";

const [url, queue] = process.argv.slice(2);
const DAY_MS = 24 * 60 * 60 * 1000;
const known = new Set();

const connection = await amqp.connect(url);
const channel = await connection.createChannel();
// A limit and an end of its own: a consumer that nobody runs any more must not fill the broker's disk.
await channel.assertQueue(queue, {
  durable: true,
  arguments: { "x-queue-type": "quorum", "x-max-length": 100_000, "x-expires": 7 * DAY_MS },
});
await channel.bindQueue(queue, "sniper.events", "listing.*");
await channel.prefetch(100);
await channel.consume(queue, (message) => {
  if (message === null) throw new Error("the queue was deleted");
  const event = JSON.parse(message.content);
  // Delivery is at least once. Where an event has effects, keep its id in the transaction that has them.
  if (!known.has(event.id)) {
    known.add(event.id);
    if (known.size > 10_000) known.delete(known.values().next().value);
    // Amounts are text: a number would be rounded.
    console.log(JSON.stringify({ id: event.id, type: event.type, ...event.data }));
  }
  channel.ack(message);
});
