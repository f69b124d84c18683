package com.rocketlearning;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** Which stored events are listed. */
public final class EventQuery {
    private final Map<String, Object> filters;
    private final PageRequest page;

    private EventQuery(Map<String, Object> filters, PageRequest page) {
        this.filters = filters;
        this.page = page;
    }

    /** {@return a builder of a query for all events} */
    public static Builder builder() {
        return new Builder();
    }

    PageRequest page() {
        return page;
    }

    Call addTo(Call call) {
        filters.forEach(call::with);
        return call;
    }

    /** Collects what is asked for; what isn't said is all. */
    public static final class Builder {
        private final Map<String, Object> filters = new LinkedHashMap<>();
        private PageRequest page = PageRequest.first();

        private Builder() {}

        /**
         * Events of one learner.
         *
         * @param userId any of the learner's ids
         * @return this
         */
        public Builder userId(String userId) {
            return with("user_id", userId);
        }

        /**
         * Events of one name.
         *
         * @param event such as {@code course.completed}
         * @return this
         */
        public Builder event(String event) {
            return with("event", event);
        }

        /**
         * Events from one source.
         *
         * @param source such as {@code moodle}
         * @return this
         */
        public Builder source(String source) {
            return with("source", source);
        }

        /**
         * Events of one status.
         *
         * @param status {@code processed}, {@code ignored}, {@code held} or {@code failed}
         * @return this
         */
        public Builder status(String status) {
            return with("status", status);
        }

        /**
         * Events that happened at this time or later.
         *
         * @param since the moment
         * @return this
         */
        public Builder since(Instant since) {
            return with("since", since);
        }

        /**
         * The same with a time in the organisation's own zone.
         *
         * @param since a date or a time, such as {@code 2026-01-31}
         * @return this
         */
        public Builder since(String since) {
            return with("since", since);
        }

        /**
         * Events that happened before this time.
         *
         * @param until the moment
         * @return this
         */
        public Builder until(Instant until) {
            return with("until", until);
        }

        /**
         * The same with a time in the organisation's own zone.
         *
         * @param until a date or a time, such as {@code 2026-01-31}
         * @return this
         */
        public Builder until(String until) {
            return with("until", until);
        }

        /**
         * In pages of which size, and from where.
         *
         * @param page the first page that is fetched
         * @return this
         */
        public Builder page(PageRequest page) {
            this.page = page;
            return this;
        }

        /** {@return a query that doesn't change any more} */
        public EventQuery build() {
            return new EventQuery(Map.copyOf(filters), page);
        }

        private Builder with(String name, Object value) {
            if (value == null) {
                filters.remove(name);
            } else {
                filters.put(name, value);
            }
            return this;
        }
    }
}
