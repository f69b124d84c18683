package com.rocketlearning;

import java.util.List;
import java.util.Optional;

/**
 * A part of a list.
 *
 * @param <T> what is listed
 */
public final class Page<T> {
    private final List<T> items;
    private final String nextCursor;

    Page(List<T> items, String nextCursor) {
        this.items = List.copyOf(items);
        this.nextCursor = nextCursor;
    }

    /** {@return what is on this page, in the list's order} */
    public List<T> items() {
        return items;
    }

    /** {@return where the next page begins, or empty on the last} */
    public Optional<String> nextCursor() {
        return Optional.ofNullable(nextCursor);
    }
}
