package com.rocketlearning;

import java.util.LinkedHashMap;
import java.util.Map;

/** Which rules are listed. */
public final class RuleQuery {
    private final Map<String, Object> filters;
    private final PageRequest page;

    private RuleQuery(Map<String, Object> filters, PageRequest page) {
        this.filters = filters;
        this.page = page;
    }

    /** {@return a builder of a query for all rules} */
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
         * Rules that give something, or that don't.
         *
         * @param active which of the two
         * @return this
         */
        public Builder active(boolean active) {
            filters.put("active", active);
            return this;
        }

        /**
         * Rules of one status.
         *
         * @param status {@code draft}, {@code active} or {@code inactive}
         * @return this
         */
        public Builder status(String status) {
            filters.put("status", status);
            return this;
        }

        /**
         * Rules that hear an event.
         *
         * @param event such as {@code course.completed}
         * @return this
         */
        public Builder event(String event) {
            filters.put("event", event);
            return this;
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
        public RuleQuery build() {
            return new RuleQuery(new LinkedHashMap<>(filters), page);
        }
    }
}
