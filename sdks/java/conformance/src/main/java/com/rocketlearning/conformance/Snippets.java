package com.rocketlearning.conformance;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;

/** Code that stands in documentation, as classes. */
final class Snippets {
    static final Path ROOT = Path.of(System.getProperty("rocket.root"));

    private static final Pattern CLASS = Pattern.compile("public class (\\w+) \\{");

    private Snippets() {}

    /** {@return the blocks of a language, at least one} */
    static List<String> blocks(String text, String language) {
        Matcher block =
                Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(text);
        List<String> found = block.results().map(one -> one.group(1)).toList();
        if (found.isEmpty()) {
            throw new IllegalStateException("there is no block of " + language);
        }
        return found;
    }

    /** {@return the name of the public class of a source} */
    static String name(String source) {
        Matcher name = CLASS.matcher(source);
        if (!name.find()) {
            throw new IllegalStateException("there is no class in: " + source);
        }
        return name.group(1);
    }

    /** Compiles sources, in a folder of this name among what was built. */
    static URLClassLoader compile(String name, List<String> sources) throws IOException {
        Path folder = ROOT.resolve("sdks/java/conformance/target/snippets").resolve(name);
        Files.createDirectories(folder);
        List<String> arguments = new ArrayList<>();
        arguments.addAll(List.of("-cp", System.getProperty("java.class.path")));
        arguments.addAll(List.of("-d", folder.toString()));
        for (String source : sources) {
            Path file = folder.resolve(name(source) + ".java");
            Files.writeString(file, source);
            arguments.add(file.toString());
        }
        int status =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, arguments.toArray(String[]::new));
        if (status != 0) {
            throw new IllegalStateException("the snippets of the " + name + " don't compile");
        }
        return new URLClassLoader(
                new URL[] {folder.toUri().toURL()}, Snippets.class.getClassLoader());
    }
}
