package com.rocketlearning;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** What the parts of the API have in common: calls with typed answers, and lists. */
abstract class Api {
    private final Transport transport;

    Api(Transport transport) {
        this.transport = transport;
    }

    final <T> CompletableFuture<T> send(Call call, Class<T> type) {
        return transport.send(call, body -> Json.read(body, type));
    }

    final <T> T get(String path, Class<T> type) {
        return get(Call.get(path), type);
    }

    final <T> T get(Call call, Class<T> type) {
        return Transport.await(send(call, type));
    }

    /**
     * {@return a list whose pages the calls of {@code start} fetch; {@code plural} is its name in
     * the answer}
     */
    final <T> PagedList<T> list(
            Supplier<Call> start, PageRequest first, String plural, Class<T> type) {
        return new PagedList<>(
                next -> {
                    Call call = next.map(first::after).orElse(first).addTo(start.get());
                    return Transport.await(transport.send(call, body -> page(body, plural, type)));
                });
    }

    private static <T> Page<T> page(JsonNode body, String plural, Class<T> type) {
        List<T> items = new ArrayList<>();
        body.path(plural).forEach(item -> items.add(Json.read(item, type)));
        return new Page<>(items, body.path("next_cursor").textValue());
    }
}
