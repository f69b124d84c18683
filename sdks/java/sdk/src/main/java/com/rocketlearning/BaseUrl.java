package com.rocketlearning;

import com.rocketlearning.exception.ConfigurationException;
import java.net.URI;
import java.net.URISyntaxException;

/** The address of a server, as callers give it. */
final class BaseUrl {
    private BaseUrl() {}

    /** {@return the address without blanks around it and without slashes at the end} */
    static String read(String given) {
        String text = given.strip().replaceAll("/+$", "");
        try {
            URI url = new URI(text);
            boolean web =
                    "http".equalsIgnoreCase(url.getScheme())
                            || "https".equalsIgnoreCase(url.getScheme());
            if (web
                    && url.getHost() != null
                    && url.getRawUserInfo() == null
                    && url.getRawQuery() == null
                    && url.getRawFragment() == null) {
                return text;
            }
        } catch (URISyntaxException e) {
            throw refused();
        }
        throw refused();
    }

    /** Says what is expected, and not what was given: that could hold a password. */
    private static ConfigurationException refused() {
        return new ConfigurationException(
                "The base URL must be http(s)://host, without user, password, query and fragment");
    }
}
