package com.rocketlearning;

/** Who is calling. */
final class Version {
    /** The same as in the POM; a test compares them. */
    static final String NUMBER = "1.0.0";

    static final String USER_AGENT =
            "rocket-learning-sdk-java/" + NUMBER + " (Java " + Runtime.version().feature() + ")";

    private Version() {}
}
