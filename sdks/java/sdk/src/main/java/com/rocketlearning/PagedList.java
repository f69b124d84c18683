package com.rocketlearning;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A list of any length, fetched a page at a time while it is gone through. Nothing is asked before
 * that; each iterator begins anew.
 *
 * @param <T> what is listed
 */
public final class PagedList<T> implements Iterable<T> {
    private final Function<Optional<String>, Page<T>> fetch;

    PagedList(Function<Optional<String>, Page<T>> fetch) {
        this.fetch = fetch;
    }

    /**
     * The page that the query's own limit and cursor ask for, and no other.
     *
     * @return the page
     */
    public Page<T> firstPage() {
        return fetch.apply(Optional.empty());
    }

    /** {@return all that is listed, from the query's cursor on} */
    public Stream<T> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    @Override
    public Iterator<T> iterator() {
        return new Iterator<>() {
            private final Queue<T> fetched = new ArrayDeque<>();
            private Optional<String> next = Optional.empty();
            private boolean started;

            @Override
            public boolean hasNext() {
                while (fetched.isEmpty() && (!started || next.isPresent())) {
                    Page<T> page = fetch.apply(next);
                    started = true;
                    fetched.addAll(page.items());
                    next = page.nextCursor();
                }
                return !fetched.isEmpty();
            }

            @Override
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return fetched.remove();
            }
        };
    }
}
