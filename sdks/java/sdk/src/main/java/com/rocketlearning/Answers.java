package com.rocketlearning;

import com.fasterxml.jackson.databind.JsonNode;
import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.ApiException.Answer;
import com.rocketlearning.exception.AuthenticationException;
import com.rocketlearning.exception.ConflictException;
import com.rocketlearning.exception.ForbiddenException;
import com.rocketlearning.exception.InsufficientPointsException;
import com.rocketlearning.exception.InvalidRequestException;
import com.rocketlearning.exception.NotFoundException;
import com.rocketlearning.exception.RateLimitException;
import com.rocketlearning.exception.ServerException;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.Map;

/** Answers that are no success become exceptions. */
final class Answers {
    private static final int MAX_DIGITS = 9;

    private Answers() {}

    /** The exception for an answer; {@code body} is the JSON object that it has, or null. */
    static ApiException exception(int status, HttpHeaders headers, JsonNode body) {
        String code = text(body, "error");
        Answer answer =
                new Answer(
                        status,
                        code,
                        text(body, "message"),
                        requestId(headers, body),
                        details(body),
                        retryAfter(headers, body));
        switch (status) {
            case 401:
                return new AuthenticationException(answer);
            case 403:
                return new ForbiddenException(answer);
            case 404:
                return new NotFoundException(answer);
            case 409:
                return new ConflictException(answer);
            case 429:
                return new RateLimitException(answer);
            default:
                break;
        }
        if (status == 422 && "insufficient_points".equals(code)) {
            return new InsufficientPointsException(answer);
        }
        if (status >= 500) {
            return new ServerException(answer);
        }
        return status >= 400 ? new InvalidRequestException(answer) : new ApiException(answer);
    }

    private static String text(JsonNode body, String name) {
        return body != null && body.path(name).isTextual() ? body.get(name).textValue() : null;
    }

    private static String requestId(HttpHeaders headers, JsonNode body) {
        String named = text(body, "request_id");
        return named != null ? named : headers.firstValue("X-Request-ID").orElse(null);
    }

    private static Map<String, Object> details(JsonNode body) {
        return body != null && body.path("details").isObject()
                ? Json.map(body.get("details"))
                : Map.of();
    }

    private static Duration retryAfter(HttpHeaders headers, JsonNode body) {
        String header = headers.firstValue("Retry-After").map(String::strip).orElse("");
        if (!header.isEmpty()
                && header.length() <= MAX_DIGITS
                && header.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Duration.ofSeconds(Long.parseLong(header));
        }
        JsonNode said = body == null ? null : body.get("retry_after");
        return said != null && said.isNumber() && said.doubleValue() >= 0
                ? Duration.ofMillis((long) (Math.min(said.doubleValue(), 1e9) * 1000))
                : null;
    }
}
