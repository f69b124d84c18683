package com.rocketlearning.model;

import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** What became of a batch. */
public final class BatchResult {
    private int processed;
    private int duplicates;
    private int failed;
    private int pointsAwarded;
    private Integer errorsLeftOut;
    private List<BatchItem> results = List.of();

    private BatchResult() {}

    /** {@return the number of events that were stored} */
    public int processed() {
        return processed;
    }

    /** {@return the number of events that were there before} */
    public int duplicates() {
        return duplicates;
    }

    /** {@return the number of events that were refused} */
    public int failed() {
        return failed;
    }

    /** {@return the points that all of them gave} */
    public int pointsAwarded() {
        return pointsAwarded;
    }

    /** {@return how many failed items don't say their error, since there are too many, or empty} */
    public Optional<Integer> errorsLeftOut() {
        return Optional.ofNullable(errorsLeftOut);
    }

    /** {@return one item for each event, in their order} */
    public List<BatchItem> results() {
        return Collections.unmodifiableList(results);
    }
}
