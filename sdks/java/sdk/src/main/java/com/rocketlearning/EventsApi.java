package com.rocketlearning;

import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.BatchResult;
import com.rocketlearning.model.EventResult;
import com.rocketlearning.model.StoredEvent;
import com.rocketlearning.model.ValidationResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Learning events. Each is stored once, however often it is sent: by its id, which is there before
 * the first try.
 *
 * <p>Besides an {@link Event} every method takes a map with the API's names, for events in another
 * spelling.
 */
public final class EventsApi extends Api {
    private final EventForm form;

    EventsApi(Transport transport, EventForm form) {
        super(transport);
        this.form = form;
    }

    /**
     * Stores an event and awards what it is worth.
     *
     * @param event what happened
     * @return what became of it
     * @throws ValidationException where it can't be right; nothing was sent
     */
    public EventResult track(Event event) {
        return Transport.await(trackAsync(event));
    }

    /**
     * Stores an event and awards what it is worth.
     *
     * @param event its fields under the API's names; time and id are added where they aren't there
     * @return what became of it
     * @throws ValidationException where it can't be right; nothing was sent
     */
    public EventResult track(Map<String, ?> event) {
        return Transport.await(trackAsync(event));
    }

    /**
     * {@link #track(Event)} without waiting.
     *
     * @param event what happened
     * @return what will become of it
     * @throws ValidationException where it can't be right; nothing was sent
     */
    public CompletableFuture<EventResult> trackAsync(Event event) {
        return send(Call.post("/v1/events", form.one(event)), EventResult.class);
    }

    /**
     * {@link #track(Map)} without waiting.
     *
     * @param event its fields under the API's names
     * @return what will become of it
     * @throws ValidationException where it can't be right; nothing was sent
     */
    public CompletableFuture<EventResult> trackAsync(Map<String, ?> event) {
        return send(Call.post("/v1/events", form.one(event)), EventResult.class);
    }

    /**
     * Stores up to 10,000 events. What the server refuses is reported by its place; the rest is
     * stored.
     *
     * @param events objects of {@link Event}, or maps with the API's names
     * @return what became of each
     * @throws ValidationException where one can't be right; nothing was sent
     */
    public BatchResult trackBatch(Iterable<?> events) {
        return Transport.await(trackBatchAsync(events));
    }

    /**
     * {@link #trackBatch(Iterable)} without waiting.
     *
     * @param events objects of {@link Event}, or maps with the API's names
     * @return what will become of each
     * @throws ValidationException where one can't be right; nothing was sent
     */
    public CompletableFuture<BatchResult> trackBatchAsync(Iterable<?> events) {
        List<Object> all = new ArrayList<>();
        events.forEach(all::add);
        return send(batch(form.all(all)), BatchResult.class);
    }

    /**
     * Asks the server what is wrong with an event. Nothing is stored, and nothing is checked here.
     *
     * @param event what happened
     * @return what the server says
     */
    public ValidationResult validate(Event event) {
        return validate(event.fields());
    }

    /**
     * Asks the server what is wrong with an event. Nothing is stored, and nothing is checked here.
     *
     * @param event its fields under the API's names
     * @return what the server says
     */
    public ValidationResult validate(Map<String, ?> event) {
        return get(Call.post("/v1/events/validate", form.unchecked(event)), ValidationResult.class);
    }

    /**
     * A stored event with what every rule says about it.
     *
     * @param eventId the server's id
     * @return the event
     */
    public StoredEvent get(String eventId) {
        return get("/v1/events/" + Call.segment("event_id", eventId), StoredEvent.class);
    }

    /** {@return all stored events, the latest received first} */
    public PagedList<StoredEvent> list() {
        return list(EventQuery.builder().build());
    }

    /**
     * Stored events, the latest received first.
     *
     * @param query which
     * @return the events
     */
    public PagedList<StoredEvent> list(EventQuery query) {
        return list(
                () -> query.addTo(Call.get("/v1/events")),
                query.page(),
                "events",
                StoredEvent.class);
    }

    /** {@return what became of events that were put right and checked before} */
    BatchResult trackReady(List<Map<String, Object>> bodies) {
        return get(batch(bodies), BatchResult.class);
    }

    private static Call batch(List<Map<String, Object>> bodies) {
        return Call.post("/v1/events/batch", Map.of("events", bodies));
    }
}
