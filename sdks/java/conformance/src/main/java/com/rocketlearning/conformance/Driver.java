package com.rocketlearning.conformance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.rocketlearning.RetryPolicy;
import com.rocketlearning.RocketClient;
import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.FieldError;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Does what the live run asks for, and tells what came of it, a line of JSON for each scenario. */
public final class Driver {
    static final String RUN = System.getenv("ROCKET_RUN");

    private static final ObjectMapper JSON = new ObjectMapper();

    private Driver() {}

    /** What one scenario does; it puts what is asked for into {@code facts}. */
    @FunctionalInterface
    interface Scenario {
        void play(Map<String, Object> facts);
    }

    /** Runs {@code run}, {@code buffer N} or {@code exit}. */
    public static void main(String[] args) throws Exception {
        switch (args.length == 0 ? "" : args[0]) {
            case "run" -> run();
            case "buffer" ->
                    tell("buffer", facts -> Buffering.kill(Integer.parseInt(args[1]), facts));
            case "exit" -> Buffering.exit();
            default -> throw new IllegalArgumentException("driver run | buffer N | exit");
        }
    }

    /** A client as every scenario has it, unless it says otherwise. */
    static RocketClient.Builder client() {
        return RocketClient.builder()
                .timeout(Duration.ofSeconds(3))
                .retryPolicy(RetryPolicy.builder().baseDelay(Duration.ofMillis(50)).build());
    }

    private static void run() throws Exception {
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (Map.Entry<String, Scenario> scenario : Scenarios.all().entrySet()) {
            URI announced =
                    URI.create(System.getenv("ROCKET_FAULTS_URL") + "/" + scenario.getKey());
            HttpRequest request =
                    HttpRequest.newBuilder(announced)
                            .POST(HttpRequest.BodyPublishers.noBody())
                            .build();
            http.send(request, HttpResponse.BodyHandlers.discarding());
            tell(scenario.getKey(), scenario.getValue());
        }
    }

    private static void tell(String name, Scenario scenario) throws JsonProcessingException {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("scenario", name);
        facts.put("outcome", "ok");
        try {
            scenario.play(facts);
        } catch (RocketException e) {
            describe(e, facts);
        }
        System.out.println(JSON.writeValueAsString(facts));
    }

    /** The name of an error in the shared cases. */
    static String name(RocketException error) {
        return error.getClass().getSimpleName().replaceAll("Exception$", "Error");
    }

    private static void describe(RocketException error, Map<String, Object> facts) {
        facts.put("outcome", name(error));
        if (error instanceof ApiException answer) {
            facts.put("status", answer.status());
            facts.put("code", answer.code().orElse(null));
            facts.put("has_request_id", answer.requestId().isPresent());
        } else if (error instanceof ValidationException refused) {
            facts.put("paths", refused.errors().stream().map(FieldError::path).sorted().toList());
        }
    }
}
