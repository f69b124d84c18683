package com.rocketlearning;

import java.time.LocalDate;

/** Which leaderboard, and which part of it. */
public final class LeaderboardQuery {
    private final Builder asked;

    private LeaderboardQuery(Builder asked) {
        this.asked = asked;
    }

    /** {@return a builder of a query for the first ten of all time} */
    public static Builder builder() {
        return new Builder();
    }

    Call addTo(Call call) {
        return call.with("course", asked.course)
                .with("period", asked.period)
                .with("at", asked.at)
                .with("around", asked.around)
                .with("limit", asked.limit)
                .with("cursor", asked.cursor);
    }

    /** Collects what is asked for. */
    public static final class Builder {
        private String course;
        private String period;
        private LocalDate at;
        private String around;
        private Integer limit;
        private String cursor;

        private Builder() {}

        /**
         * Points of one course only.
         *
         * @param value the course's id
         * @return this
         */
        public Builder course(String value) {
            course = value;
            return this;
        }

        /**
         * Of which period.
         *
         * @param value {@code all}, {@code week} or {@code month}
         * @return this
         */
        public Builder period(String value) {
            period = value;
            return this;
        }

        /**
         * The week or month of this day; of today, if this isn't called.
         *
         * @param value the day
         * @return this
         */
        public Builder at(LocalDate value) {
            at = value;
            return this;
        }

        /**
         * The places next to a learner's.
         *
         * @param value any of the learner's ids
         * @return this
         */
        public Builder around(String value) {
            around = value;
            return this;
        }

        /**
         * How many places.
         *
         * @param value 1 to 500; 10 by default
         * @return this
         */
        public Builder limit(int value) {
            limit = value;
            return this;
        }

        /**
         * Where to begin.
         *
         * @param value the next cursor of an earlier answer
         * @return this
         */
        public Builder cursor(String value) {
            cursor = value;
            return this;
        }

        /** {@return the query} */
        public LeaderboardQuery build() {
            Builder copy = new Builder();
            copy.course = course;
            copy.period = period;
            copy.at = at;
            copy.around = around;
            copy.limit = limit;
            copy.cursor = cursor;
            return new LeaderboardQuery(copy);
        }
    }
}
