package com.rocketlearning.exception;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The server answered, and the answer isn't the one that was asked for. {@link #getMessage()} is
 * the server's sentence, or {@code HTTP <status>} where something else answered, such as a proxy.
 */
public class ApiException extends RocketException {
    private static final long serialVersionUID = 1L;

    /** The HTTP status. */
    private final int status;

    /** The server's stable code, or null. */
    private final String code;

    /** The request's id, or null. */
    private final String requestId;

    /** How long to wait, or null. */
    private final Duration retryAfter;

    /** What belongs to the code; lost where the exception is serialised. */
    private final transient Map<String, Object> details;

    /**
     * Makes one.
     *
     * @param answer what the server said
     */
    public ApiException(Answer answer) {
        super(answer.message == null ? "HTTP " + answer.status : answer.message);
        this.status = answer.status;
        this.code = answer.code;
        this.requestId = answer.requestId;
        this.retryAfter = answer.retryAfter;
        this.details = answer.details;
    }

    /** {@return the HTTP status} */
    public final int status() {
        return status;
    }

    /** {@return the code, or empty where something else answered} */
    public final Optional<String> code() {
        return Optional.ofNullable(code);
    }

    /** {@return the id, or empty where the answer had none} */
    public final Optional<String> requestId() {
        return Optional.ofNullable(requestId);
    }

    /** {@return the details, perhaps none} */
    public final Map<String, Object> details() {
        return details == null ? Map.of() : details;
    }

    /** {@return the time, or empty where it didn't say} */
    public final Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /**
     * Adds what an administrator looks for; the message is the server's sentence alone, as in every
     * SDK.
     */
    @Override
    @SuppressWarnings("OverrideThrowableToString")
    public String toString() {
        return super.toString()
                + " ["
                + status
                + (code == null ? "" : " " + code)
                + (requestId == null ? "" : ", request " + requestId)
                + "]";
    }

    /** An answer that is no success, as it was read. */
    public static final class Answer {
        private final int status;
        private final String code;
        private final String message;
        private final String requestId;
        private final Map<String, Object> details;
        private final Duration retryAfter;

        /**
         * Keeps what was read.
         *
         * @param status the HTTP status
         * @param code the server's stable code, or null
         * @param message the server's sentence, or null
         * @param requestId the request's id, or null
         * @param details what belongs to the code
         * @param retryAfter how long to wait, or null
         */
        public Answer(
                int status,
                String code,
                String message,
                String requestId,
                Map<String, Object> details,
                Duration retryAfter) {
            this.status = status;
            this.code = code;
            this.message = message;
            this.requestId = requestId;
            this.details = details;
            this.retryAfter = retryAfter;
        }
    }
}
