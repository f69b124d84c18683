import com.rocketlearning.Event;
import com.rocketlearning.RocketClient;
import com.rocketlearning.model.EventResult;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Makes one call with the package as it was published; exits with 1 where that doesn't work. */
public class Consumer {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext(
                "/v1/events",
                exchange -> {
                    byte[] answer =
                            "{\"status\":\"processed\",\"points_awarded\":50}".getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(200, answer.length);
                    exchange.getResponseBody().write(answer);
                    exchange.close();
                });
        server.start();
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        try (RocketClient rocket = RocketClient.builder().apiKey("rk_test_consumer").baseUrl(url).build()) {
            Event event =
                    Event.builder()
                            .event("course.completed")
                            .userId("ada")
                            .property("completion_time", Instant.now())
                            .build();
            EventResult result = rocket.events().track(event);
            if (result.pointsAwarded() != 50) {
                System.exit(1);
            }
        } finally {
            server.stop(0);
        }
    }
}
