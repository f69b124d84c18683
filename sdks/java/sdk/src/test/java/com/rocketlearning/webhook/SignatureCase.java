package com.rocketlearning.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.WebhookVerificationException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Deliveries of the shared cases, verified on their own clock. */
public final class SignatureCase {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SignatureCase() {}

    /** By {@code X-Signature}. */
    public static void xSignature(JsonNode one) throws Exception {
        check(one, WebhookVerifier.xSignature(secrets(one)));
    }

    /** By the headers of Standard Webhooks. */
    public static void standard(JsonNode one) throws Exception {
        WebhookVerifier verifier =
                WebhookVerifier.standard(secrets(one))
                        .withClock(
                                Clock.fixed(
                                        Instant.ofEpochSecond(one.get("now_s").longValue()),
                                        ZoneOffset.UTC));
        check(
                one,
                one.has("tolerance_s")
                        ? verifier.withTolerance(
                                Duration.ofSeconds(one.get("tolerance_s").longValue()))
                        : verifier);
    }

    /** A secret that no verifier can be made with. */
    public static void badSecret(JsonNode one) {
        assertThrows(
                ConfigurationException.class,
                () -> WebhookVerifier.standard(one.get("secret").textValue()));
    }

    private static void check(JsonNode one, WebhookVerifier verifier) throws Exception {
        byte[] body = one.get("body").textValue().getBytes(StandardCharsets.UTF_8);
        Map<String, String> headers = new TreeMap<>();
        one.get("headers")
                .properties()
                .forEach(h -> headers.put(h.getKey(), h.getValue().textValue()));
        if (one.get("refusal").isNull()) {
            JsonNode read = JSON.valueToTree(verifier.verify(body, headers));
            assertEquals(JSON.readTree(body), read);
        } else {
            WebhookVerificationException refused =
                    assertThrows(
                            WebhookVerificationException.class,
                            () -> verifier.verify(body, headers));
            assertEquals(one.get("refusal").textValue(), refused.code());
        }
    }

    private static String[] secrets(JsonNode one) {
        List<String> secrets = new ArrayList<>();
        one.get("secrets").forEach(secret -> secrets.add(secret.textValue()));
        return secrets.toArray(new String[0]);
    }
}
