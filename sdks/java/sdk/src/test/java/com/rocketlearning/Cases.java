package com.rocketlearning;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.ValidationException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;

/** The cases that all SDKs share, as tests; it notes which of them pass. */
final class Cases {
    static final ObjectMapper JSON = new ObjectMapper();

    private static final Path ROOT = Path.of(System.getProperty("rocket.root"));
    private static final Map<String, Boolean> PASSED = new TreeMap<>();

    private Cases() {}

    /** What is promised of one case. */
    @FunctionalInterface
    interface Promise {
        void check(JsonNode one) throws Exception;
    }

    static JsonNode file(String name) {
        try {
            return JSON.readTree(ROOT.resolve("sdks/cases/" + name + ".json").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<DynamicTest> each(String file, String list, Promise promise) {
        return StreamSupport.stream(file(file).get(list).spliterator(), false)
                .map(
                        one -> {
                            String name = file + "/" + list + "/" + one.get("name").textValue();
                            return DynamicTest.dynamicTest(
                                    name,
                                    () -> {
                                        PASSED.put(name, false);
                                        promise.check(one);
                                        PASSED.put(name, true);
                                    });
                        });
    }

    static void writeReport() throws IOException {
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("sdk", "java");
        content.put("passed", names(true));
        content.put("failed", names(false));
        write("cases", content);
    }

    /** Writes a report that `conformance/parity.py` reads. */
    static void write(String kind, Object content) throws IOException {
        Path report = ROOT.resolve("build/sdks/java." + kind + ".json");
        Files.createDirectories(report.getParent());
        Files.write(report, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(content));
    }

    private static List<String> names(boolean passed) {
        return PASSED.entrySet().stream()
                .filter(one -> one.getValue() == passed)
                .map(Map.Entry::getKey)
                .collect(Collectors.toList());
    }

    /** A value of the case, with moments where it says {@code $time}. */
    static Object value(JsonNode node) {
        if (node.isObject() && node.size() == 1 && node.has("$time")) {
            return OffsetDateTime.parse(node.get("$time").textValue());
        }
        if (node.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
            return map;
        }
        if (node.isArray()) {
            List<Object> list = new ArrayList<>();
            node.forEach(item -> list.add(value(item)));
            return list;
        }
        return JSON.convertValue(node, Object.class);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(JsonNode node) {
        return (Map<String, Object>) value(node);
    }

    /** {@return the paths that a ValidationException names, none where nothing is thrown} */
    static Set<String> paths(Runnable action) {
        try {
            action.run();
            return Set.of();
        } catch (ValidationException e) {
            List<String> all =
                    e.errors().stream().map(error -> error.path()).collect(Collectors.toList());
            Set<String> paths = new TreeSet<>(all);
            Assertions.assertEquals(all.size(), paths.size(), "each path has one error");
            return paths;
        }
    }

    static Set<String> texts(JsonNode list) {
        Set<String> texts = new TreeSet<>();
        if (list != null) {
            list.forEach(one -> texts.add(one.textValue()));
        }
        return texts;
    }

    /** The name of an exception as the cases have it. */
    static String name(RocketException error) {
        return error.getClass().getSimpleName().replaceAll("Exception$", "Error");
    }

    /** Compares as JSON, where 1 is 1.0. */
    static void assertSameJson(JsonNode expected, JsonNode actual) {
        if (!sameJson(expected, actual)) {
            Assertions.assertEquals(String.valueOf(expected), String.valueOf(actual));
        }
    }

    static boolean sameJson(JsonNode one, JsonNode other) {
        return one.equals(
                (left, right) ->
                        left.isNumber() && right.isNumber()
                                ? left.decimalValue().compareTo(right.decimalValue())
                                : left.equals(right) ? 0 : 1,
                other);
    }
}
