package com.rocketlearning;

import com.rocketlearning.exception.RocketException;
import java.util.Locale;
import java.util.Map;

/** An event that the buffer couldn't deliver. */
public final class DeadLetter {
    /** Why an event wasn't delivered. */
    public enum Reason {
        /** The buffer was full when it was added. */
        OVERFLOW,
        /** The server refused its whole batch. */
        REFUSED,
        /** The server took its batch, but not this event. */
        REJECTED,
        /** The buffer was closed while the server couldn't be reached. */
        CLOSED;

        /** {@return the reason as all SDKs write it} */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Map<String, Object> event;
    private final Reason reason;
    private final String error;
    private final RocketException cause;

    DeadLetter(Map<String, Object> event, Reason reason, String error, RocketException cause) {
        this.event = event;
        this.reason = reason;
        this.error = error;
        this.cause = cause;
    }

    /** {@return the event under the API's names; tracked again, it still counts once} */
    public Map<String, Object> event() {
        return event;
    }

    /** {@return why it wasn't delivered} */
    public Reason reason() {
        return reason;
    }

    /** {@return what the server or the connection said} */
    public String error() {
        return error;
    }

    /** {@return the error of the batch, or null where there was none} */
    public RocketException cause() {
        return cause;
    }
}
