package com.rocketlearning;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.function.Consumer;

/** Tells all listeners; one that throws keeps neither the others nor the client from their work. */
final class Listeners {
    private final List<RocketListener> listeners;

    Listeners(List<RocketListener> listeners) {
        this.listeners = List.copyOf(listeners);
    }

    void tell(Consumer<RocketListener> news) {
        for (RocketListener listener : listeners) {
            try {
                news.accept(listener);
            } catch (RuntimeException e) {
                LoggingListener.LOG.log(Level.ERROR, "A listener threw", e);
            }
        }
    }
}
