package com.rocketlearning;

/** How much of a list a page has, and where it begins. */
public final class PageRequest {
    private static final PageRequest FIRST = new PageRequest(null, null);

    private final Integer limit;
    private final String cursor;

    private PageRequest(Integer limit, String cursor) {
        this.limit = limit;
        this.cursor = cursor;
    }

    /** {@return the list's beginning, with the server's own page size (50)} */
    public static PageRequest first() {
        return FIRST;
    }

    /**
     * The list's beginning, in pages of this size.
     *
     * @param limit 1 to 500
     * @return the request
     */
    public static PageRequest ofSize(int limit) {
        return new PageRequest(limit, null);
    }

    /**
     * The same from another place on.
     *
     * @param nextCursor of an earlier page
     * @return the request
     */
    public PageRequest after(String nextCursor) {
        return new PageRequest(limit, nextCursor);
    }

    Call addTo(Call call) {
        return call.with("limit", limit).with("cursor", cursor);
    }
}
