package com.rocketlearning;

import java.nio.file.Path;

/**
 * Takes what a buffer couldn't deliver. It is called by the buffer's own thread, or the one that
 * closes it; where it throws, the event is logged instead.
 */
@FunctionalInterface
public interface DeadLetterHandler {
    /**
     * Takes one event.
     *
     * @param letter the event, and why it wasn't delivered
     */
    void accept(DeadLetter letter);

    /**
     * Appends to a file, one JSON object a line: {@code {"at", "reason", "error", "event"}}.
     *
     * @param file made where it isn't there
     * @return the handler
     */
    static DeadLetterHandler file(Path file) {
        return new DeadLetterFile(file);
    }
}
