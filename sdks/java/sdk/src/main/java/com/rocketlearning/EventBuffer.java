package com.rocketlearning;

import com.rocketlearning.DeadLetter.Reason;
import com.rocketlearning.exception.ApiException;
import com.rocketlearning.exception.BufferClosedException;
import com.rocketlearning.exception.BufferFullException;
import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.BatchItem;
import com.rocketlearning.model.BatchResult;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Collects events and sends them in batches, so that adding one never waits for the network. A
 * batch goes when it is full, or when its oldest event has waited long enough. While the server
 * can't be reached events wait in their order; what can't be delivered at all is handed to the
 * {@link DeadLetterHandler}, or logged whole. What waits is sent by {@link #close()}, and when the
 * process ends.
 *
 * <p>All methods may be called by any thread.
 */
public final class EventBuffer implements AutoCloseable {
    /** What happens to an event that doesn't fit any more. */
    public enum Overflow {
        /** It becomes a dead letter. */
        DEAD_LETTER,
        /** {@link #add(Event)} throws a {@link BufferFullException}. */
        RAISE
    }

    private final EventForm form;
    private final Function<List<Map<String, Object>>, BatchResult> send;
    private final DeadLetterHandler deadLetters;
    private final Overflow overflow;
    private final Consumer<EventBuffer> whenClosed;
    private final Thread hook = new Thread(this::closeNow, "rocket-event-buffer-exit");

    private final BatchQueue queue;

    /** Held while a batch is in flight, so that only one is, and order stays. */
    private final ReentrantLock sending = new ReentrantLock();

    EventBuffer(
            Builder settings,
            EventForm form,
            Function<List<Map<String, Object>>, BatchResult> send,
            LongSupplier nanoTime,
            Consumer<EventBuffer> whenClosed) {
        this.form = form;
        this.send = send;
        this.whenClosed = whenClosed;
        this.deadLetters = settings.deadLetters;
        this.overflow = settings.overflow;
        this.queue =
                new BatchQueue(
                        settings.maxSize,
                        settings.flushInterval.toNanos(),
                        settings.capacity,
                        nanoTime);
    }

    /** Begins to send by itself, and at the end of the process. */
    EventBuffer started() {
        Thread sender = new Thread(this::run, "rocket-event-buffer");
        sender.setDaemon(true);
        sender.start();
        Runtime.getRuntime().addShutdownHook(hook);
        return this;
    }

    /**
     * Takes an event, to be sent soon.
     *
     * @param event what happened
     * @throws ValidationException where it can't be right
     * @throws BufferFullException where there is no room, if the buffer was told to raise
     * @throws BufferClosedException after {@link #close()}
     */
    public void add(Event event) {
        addReady(form.one(event));
    }

    /**
     * Takes an event, to be sent soon.
     *
     * @param event its fields under the API's names; time and id are added where they aren't there
     * @throws ValidationException where it can't be right
     * @throws BufferFullException where there is no room, if the buffer was told to raise
     * @throws BufferClosedException after {@link #close()}
     */
    public void add(Map<String, ?> event) {
        addReady(form.one(event));
    }

    private void addReady(Map<String, Object> body) {
        if (queue.add(body)) {
            return;
        }
        if (overflow == Overflow.RAISE) {
            throw new BufferFullException("The buffer has no room; the event wasn't taken");
        }
        bury(body, Reason.OVERFLOW, "The buffer has no room", null);
    }

    /** {@return how many events wait, those in flight included} */
    public int waiting() {
        return queue.size();
    }

    /**
     * Sends what waits now, and comes back when that is done. An outage ends it; what is left goes
     * on waiting.
     */
    public void flush() {
        sending.lock();
        try {
            int left = waiting();
            while (left > 0) {
                List<Map<String, Object>> batch = queue.front(left);
                if (!deliver(batch)) {
                    return;
                }
                left -= batch.size();
            }
        } finally {
            sending.unlock();
        }
    }

    /**
     * Takes no more events, and sends what waits, once; what can't be sent is handed to the
     * handler.
     */
    @Override
    public void close() {
        closeNow();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            LoggingListener.LOG.log(Level.DEBUG, "The process ends; the hook stays");
        }
    }

    private void closeNow() {
        queue.close();
        sending.lock(); // whoever closes it a second time waits for the first
        try {
            flush();
            for (List<Map<String, Object>> rest = queue.front(Integer.MAX_VALUE);
                    !rest.isEmpty();
                    rest = queue.front(Integer.MAX_VALUE)) {
                queue.done(rest.size());
                rest.forEach(
                        body -> bury(body, Reason.CLOSED, "The server can't be reached", null));
            }
        } finally {
            sending.unlock();
        }
        whenClosed.accept(this);
    }

    private void run() {
        try {
            while (queue.awaitDue()) {
                sendDue();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sends the batches that are due. */
    void sendDue() {
        sending.lock();
        try {
            while (queue.isDue() && deliver(queue.front(Integer.MAX_VALUE))) {
                // the next one may be due as well
            }
        } finally {
            sending.unlock();
        }
    }

    /** {@return whether the next batch may follow: false in an outage, in which this one stays} */
    private boolean deliver(List<Map<String, Object>> batch) {
        BatchResult result;
        try {
            result = send.apply(batch);
        } catch (RocketException e) {
            return failed(batch, e);
        } catch (
                RuntimeException
                        e) { // a mistake of this library's: the events are kept all the same
            return failed(batch, new RocketException("The batch couldn't be sent", e));
        }
        queue.done(batch.size());
        for (BatchItem item : result.results()) {
            if ("failed".equals(item.status()) && item.index() < batch.size()) {
                bury(batch.get(item.index()), Reason.REJECTED, item.error().orElse("failed"), null);
            }
        }
        return true;
    }

    private boolean failed(List<Map<String, Object>> batch, RocketException error) {
        if (isOutage(error)) {
            queue.hold();
            return false;
        }
        if (isTooLarge(error) && batch.size() > 1) {
            int half = batch.size() / 2;
            return deliver(batch.subList(0, half)) && deliver(batch.subList(half, batch.size()));
        }
        queue.done(batch.size());
        batch.forEach(body -> bury(body, Reason.REFUSED, error.toString(), error));
        return true;
    }

    private static boolean isTooLarge(RocketException error) {
        return error instanceof ApiException && ((ApiException) error).status() == 413;
    }

    /** {@return whether the same batch may be taken later} */
    static boolean isOutage(RocketException error) {
        return Outcome.mayPass(error) || error instanceof CircuitOpenException;
    }

    private void bury(
            Map<String, Object> body, Reason reason, String error, RocketException cause) {
        DeadLetter letter = new DeadLetter(body, reason, error, cause);
        if (deadLetters == null) {
            LoggingListener.LOG.log(
                    Level.ERROR, () -> "An event wasn't delivered: " + line(letter));
            return;
        }
        try {
            deadLetters.accept(letter);
        } catch (RuntimeException e) {
            LoggingListener.LOG.log(
                    Level.ERROR,
                    () -> "The handler of dead letters threw; the event: " + line(letter),
                    e);
        }
    }

    private static String line(DeadLetter letter) {
        return new String(DeadLetterFile.line(letter, Instant.now()), StandardCharsets.UTF_8);
    }

    /** Collects what a buffer is made of. */
    public static final class Builder {
        private final RocketClient client;
        private int maxSize = 100;
        private Duration flushInterval = Duration.ofSeconds(5);
        private int capacity = 10_000;
        private Overflow overflow = Overflow.DEAD_LETTER;
        private DeadLetterHandler deadLetters;

        Builder(RocketClient client) {
            this.client = client;
        }

        /**
         * How many events make a batch.
         *
         * @param value 1 to 10,000; 100 by default
         * @return this
         */
        public Builder maxSize(int value) {
            maxSize = value;
            return this;
        }

        /**
         * How long an event waits for others, and how long the buffer waits after an outage.
         *
         * @param value 5 s by default
         * @return this
         */
        public Builder flushInterval(Duration value) {
            flushInterval = value;
            return this;
        }

        /**
         * How many events the buffer holds at most, those in flight included.
         *
         * @param value 10,000 by default, at least {@code maxSize}
         * @return this
         */
        public Builder capacity(int value) {
            capacity = value;
            return this;
        }

        /**
         * What happens to an event that doesn't fit any more.
         *
         * @param value it becomes a dead letter by default
         * @return this
         */
        public Builder overflow(Overflow value) {
            overflow = value;
            return this;
        }

        /**
         * Takes what can't be delivered; without one it is logged.
         *
         * @param value such as {@link DeadLetterHandler#file}
         * @return this
         */
        public Builder deadLetters(DeadLetterHandler value) {
            deadLetters = value;
            return this;
        }

        /**
         * The buffer, which begins to send by itself.
         *
         * @return the buffer; it belongs to its client, which closes it where nobody else does
         * @throws ConfigurationException for a number out of its bounds
         */
        public EventBuffer build() {
            EventBuffer buffer =
                    build(
                            client.form(),
                            client.events()::trackReady,
                            System::nanoTime,
                            client::closed);
            client.opened(buffer);
            return buffer.started();
        }

        EventBuffer build(
                EventForm form,
                Function<List<Map<String, Object>>, BatchResult> send,
                LongSupplier nanoTime,
                Consumer<EventBuffer> whenClosed) {
            if (maxSize < 1 || maxSize > EventForm.MAX_BATCH) {
                throw new ConfigurationException(
                        "Buffer: maxSize must be 1 to " + EventForm.MAX_BATCH);
            }
            if (capacity < maxSize || flushInterval.isNegative() || flushInterval.isZero()) {
                throw new ConfigurationException(
                        "Buffer: capacity must be maxSize or more, flushInterval above 0");
            }
            return new EventBuffer(this, form, send, nanoTime, whenClosed);
        }
    }
}
