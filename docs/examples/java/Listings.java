// Print every new listing once: `java -cp amqp-client.jar:slf4j-api.jar Listings.java amqp://USER:PASSWORD@HOST/VHOST reader.mine`.
import com.rabbitmq.client.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Listings {
    static final int DAY_MS = 24 * 60 * 60 * 1000;

    public static void main(String[] arguments) throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(arguments[0]);
        String queue = arguments[1];
        Channel channel = factory.newConnection().createChannel();
        // A limit and an end of its own: a consumer that nobody runs any more must not fill the broker's disk.
        Map<String, Object> limits = Map.of("x-queue-type", "quorum", "x-max-length", 100_000, "x-expires", 7 * DAY_MS);
        channel.queueDeclare(queue, true, false, false, limits);
        channel.queueBind(queue, "sniper.events", "listing.*");
        channel.basicQos(100);
        Set<String> known = new HashSet<>();
        channel.basicConsume(queue, false, (tag, delivery) -> {
            AMQP.BasicProperties properties = delivery.getProperties();
            // Delivery is at least once. Where an event has effects, keep its id in the transaction that has them.
            if (known.add(properties.getMessageId())) {
                System.out.println(new String(delivery.getBody(), StandardCharsets.UTF_8));
            }
            channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
        }, tag -> { throw new IllegalStateException("the queue was deleted"); });
    }
}
