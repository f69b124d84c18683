package com.rocketlearning.conformance;

import com.rocketlearning.RocketClient;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;

/** Compiles the snippets of the README as they stand, and runs those that are programs. */
public final class Readme {
    private Readme() {}

    /** Throws where a snippet doesn't compile, throws, or doesn't do what it says. */
    public static void main(String[] args) throws Exception {
        String readme = Files.readString(Snippets.ROOT.resolve("sdks/java/README.md"));
        List<String> sources = Snippets.blocks(readme, "java");
        try (URLClassLoader loader = Snippets.compile("readme", sources)) {
            for (String source : sources) {
                run(loader.loadClass(Snippets.name(source)));
            }
        }
        try (RocketClient rocket = RocketClient.builder().build()) {
            // A course, 250 lessons and two gifts: what FirstCall, ManyEvents and Points say they
            // do.
            long earned = rocket.users().getBalance("ada").earned();
            if (earned != 50 + 250 * 10 + 50 + 20) {
                throw new IllegalStateException("the snippets earned " + earned + " points");
            }
        }
        System.err.println("java: the README's " + sources.size() + " snippets work");
    }

    private static void run(Class<?> snippet) throws ReflectiveOperationException {
        boolean isProgram =
                Arrays.stream(snippet.getMethods()).anyMatch(one -> one.getName().equals("main"));
        if (isProgram) {
            snippet.getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        }
    }
}
