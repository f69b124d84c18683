package com.rocketlearning.webhook;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.MalformedSignatureException;
import com.rocketlearning.exception.MissingSignatureException;
import com.rocketlearning.exception.SignatureMismatchException;
import com.rocketlearning.exception.TimestampTooNewException;
import com.rocketlearning.exception.TimestampTooOldException;
import com.rocketlearning.exception.WebhookVerificationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Tells whether a webhook is the server's. Give it the body as it came, byte for byte, before
 * anything has parsed it.
 *
 * <pre>{@code
 * WebhookVerifier verifier = WebhookVerifier.standard(secret);
 * Map<String, Object> event = verifier.verify(body, request::getHeader);
 * }</pre>
 *
 * {@link #standard} is the stronger one, since its signature holds the time, and so an old delivery
 * can't be played again. While a secret is rotated, give the old and the new one.
 *
 * @see <a href="https://www.standardwebhooks.com/">Standard Webhooks</a>
 */
public final class WebhookVerifier {
    /** How far the time of a delivery may be from now, unless it is said otherwise. */
    public static final Duration TOLERANCE = Duration.ofMinutes(5);

    private static final String PREFIX = "whsec_";
    private static final Pattern HEX_SIGNATURE = Pattern.compile("sha256=([0-9a-fA-F]{64})");
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,12}");
    private static final Pattern VERSIONED = Pattern.compile("[^,]+,.+");
    private static final ObjectReader OBJECT =
            JsonMapper.builder()
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build()
                    .readerFor(new TypeReference<Map<String, Object>>() {});

    private final boolean standard;
    private final List<byte[]> keys;
    private final Duration tolerance;
    private final Clock clock;

    private WebhookVerifier(boolean standard, List<byte[]> keys, Duration tolerance, Clock clock) {
        if (keys.isEmpty()) {
            throw new ConfigurationException("Give at least one secret");
        }
        this.standard = standard;
        this.keys = keys;
        this.tolerance = tolerance;
        this.clock = clock;
    }

    /**
     * Verifies by {@code webhook-id}, {@code webhook-timestamp} and {@code webhook-signature}.
     *
     * @param secrets one or more, each {@code whsec_} and base64
     * @return the verifier
     * @throws ConfigurationException for a secret of another form
     */
    public static WebhookVerifier standard(String... secrets) {
        List<byte[]> keys = new ArrayList<>();
        for (String secret : secrets) {
            keys.add(standardKey(secret));
        }
        return new WebhookVerifier(true, keys, TOLERANCE, Clock.systemUTC());
    }

    /**
     * Verifies by {@code X-Signature} alone, which holds no time.
     *
     * @param secrets one or more; the key is the whole text
     * @return the verifier
     * @throws ConfigurationException for an empty secret
     */
    public static WebhookVerifier xSignature(String... secrets) {
        List<byte[]> keys = new ArrayList<>();
        for (String secret : secrets) {
            if (secret == null || secret.isEmpty()) {
                throw new ConfigurationException("A webhook's secret is empty");
            }
            keys.add(secret.getBytes(StandardCharsets.UTF_8));
        }
        return new WebhookVerifier(false, keys, TOLERANCE, Clock.systemUTC());
    }

    /**
     * The same with another tolerance.
     *
     * @param value how far the time of a delivery may be from now, in both directions
     * @return the verifier
     */
    public WebhookVerifier withTolerance(Duration value) {
        return new WebhookVerifier(standard, keys, value, clock);
    }

    WebhookVerifier withClock(Clock value) {
        return new WebhookVerifier(standard, keys, tolerance, value);
    }

    /**
     * Verifies a delivery.
     *
     * @param body its bytes, as they came
     * @param headers by name, in any case; a value is a text, or a collection whose first is taken
     * @return the body, read as JSON
     * @throws WebhookVerificationException where it isn't what it says it is
     */
    public Map<String, Object> verify(byte[] body, Map<String, ?> headers) {
        return verify(body, name -> find(headers, name));
    }

    /**
     * Verifies a delivery.
     *
     * @param body its bytes, as they came
     * @param headers answers the value of a header by its name, whatever its case, or null; such as
     *     {@code request::getHeader}
     * @return the body, read as JSON
     * @throws WebhookVerificationException where it isn't what it says it is
     */
    public Map<String, Object> verify(byte[] body, UnaryOperator<String> headers) {
        if (standard) {
            verifyStandard(body, headers);
        } else {
            verifyXSignature(body, headers);
        }
        try {
            Map<String, Object> read = OBJECT.readValue(body);
            if (read != null) {
                return read;
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
        throw unreadable(null);
    }

    private void verifyXSignature(byte[] body, UnaryOperator<String> headers) {
        var parts = HEX_SIGNATURE.matcher(required(headers, "X-Signature"));
        if (!parts.matches()) {
            throw new MalformedSignatureException(
                    "X-Signature must be sha256= and 64 hexadecimal digits");
        }
        byte[] signature = fromHex(parts.group(1));
        boolean fits = false;
        for (byte[] key : keys) {
            fits |= MessageDigest.isEqual(hmac(key, body), signature);
        }
        refuseUnless(fits);
    }

    private void verifyStandard(byte[] body, UnaryOperator<String> headers) {
        String id = required(headers, "webhook-id");
        String timestamp = required(headers, "webhook-timestamp");
        String signatures = required(headers, "webhook-signature");
        if (!SECONDS.matcher(timestamp).matches()) {
            throw new MalformedSignatureException("webhook-timestamp must be Unix seconds");
        }
        byte[] signed = (id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
        List<byte[]> expected = new ArrayList<>();
        for (byte[] key : keys) {
            expected.add(Base64.getEncoder().encode(hmac(key, signed, body)));
        }
        boolean fits = false;
        for (String one : signatures.split(" +", -1)) {
            if (!VERSIONED.matcher(one).matches()) {
                throw new MalformedSignatureException("webhook-signature must be v1, and base64");
            }
            byte[] signature =
                    one.startsWith("v1,")
                            ? one.substring(3).getBytes(StandardCharsets.UTF_8)
                            : new byte[0];
            for (byte[] wanted : expected) {
                fits |= MessageDigest.isEqual(wanted, signature);
            }
        }
        refuseUnless(fits);
        checkTime(Long.parseLong(timestamp));
    }

    private void checkTime(long timestamp) {
        long age = clock.instant().getEpochSecond() - timestamp;
        if (age > tolerance.toSeconds()) {
            throw new TimestampTooOldException("The delivery is " + age + " s old");
        }
        if (-age > tolerance.toSeconds()) {
            throw new TimestampTooNewException(
                    "The delivery is " + -age + " s ahead of this clock");
        }
    }

    private static void refuseUnless(boolean fits) {
        if (!fits) {
            throw new SignatureMismatchException(
                    "No signature fits: another secret, or the body was changed");
        }
    }

    private static String required(UnaryOperator<String> headers, String name) {
        String value = headers.apply(name);
        if (value == null || value.isBlank()) {
            throw new MissingSignatureException("The header " + name + " isn't there");
        }
        return value.strip();
    }

    private static String find(Map<String, ?> headers, String name) {
        for (Map.Entry<String, ?> header : headers.entrySet()) {
            if (name.equalsIgnoreCase(header.getKey())) {
                Object value = header.getValue();
                if (value instanceof Collection) {
                    value = ((Collection<?>) value).stream().findFirst().orElse(null);
                }
                return value == null ? null : value.toString();
            }
        }
        return null;
    }

    private static byte[] standardKey(String secret) {
        try {
            if (secret != null && secret.startsWith(PREFIX) && secret.length() > PREFIX.length()) {
                return Base64.getDecoder().decode(secret.substring(PREFIX.length()));
            }
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(
                    "What follows whsec_ in a webhook's secret must be base64");
        }
        throw new ConfigurationException("A webhook's secret must be whsec_ and base64");
    }

    private static byte[] hmac(byte[] key, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            for (byte[] part : parts) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java has HmacSHA256", e);
        }
    }

    private static byte[] fromHex(String digits) {
        String lower = digits.toLowerCase(Locale.ROOT);
        byte[] bytes = new byte[lower.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(lower.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }

    private static MalformedSignatureException unreadable(IOException cause) {
        MalformedSignatureException refused =
                new MalformedSignatureException(
                        "The body is rightly signed, but isn't a JSON object");
        if (cause != null) {
            refused.initCause(cause);
        }
        return refused;
    }
}
