package com.rocketlearning.conformance;

import com.rocketlearning.RocketClient;
import com.rocketlearning.model.StoredEvent;
import java.lang.reflect.InvocationTargetException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;

/**
 * Takes the Java snippets out of the developers' page, compiles them as they stand, and runs them
 * as a Spring Boot application: once with the page's own {@code RocketConfig}, once with the
 * starter in its place. The server is asked whether the event was counted.
 */
public final class Examples {
    private static final Path PAGE =
            Snippets.ROOT.resolve("tests/fixtures/sdks/developer-resources.md");
    private static final String RUN = System.getenv("ROCKET_RUN");
    private static final int COURSE_POINTS = 50;

    /** What the page leaves out: imports, and where {@code environment} comes from. */
    private static final String IMPORTS =
            """
            import com.rocketlearning.*;
            import java.time.Duration;
            import java.time.Instant;
            import org.springframework.beans.factory.annotation.Autowired;
            import org.springframework.context.annotation.Bean;
            import org.springframework.context.annotation.Configuration;
            import org.springframework.stereotype.Service;

            """;

    private static final String INJECTED =
            "\n    @Autowired private org.springframework.core.env.Environment environment;\n";

    private Examples() {}

    /** What every Spring Boot application has. */
    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {}

    /** Throws where an example doesn't do what it says. */
    public static void main(String[] args) throws Exception {
        String section = section(Files.readString(PAGE));
        checkDependency(Snippets.blocks(section, "xml").get(0));
        List<String> sources = new ArrayList<>();
        for (String source : split(Snippets.blocks(section, "java").get(0))) {
            String named =
                    source.replace(
                            "public class RocketConfig {",
                            "public class RocketConfig {" + INJECTED);
            sources.add(IMPORTS + named);
        }
        try (URLClassLoader loader = Snippets.compile("page", sources)) {
            run(loader, List.of("RocketConfig", "LearningEventService"), "document");
            run(loader, List.of("LearningEventService"), "starter");
        }
    }

    private static void run(ClassLoader loader, List<String> classes, String name)
            throws Exception {
        String learner = RUN + "-" + name;
        List<Class<?>> sources = new ArrayList<>(List.of(Application.class));
        for (String one : classes) {
            sources.add(loader.loadClass(one));
        }
        Thread.currentThread().setContextClassLoader(loader);
        try (ConfigurableApplicationContext context =
                new SpringApplicationBuilder(sources.toArray(Class<?>[]::new))
                        .web(WebApplicationType.NONE)
                        .bannerMode(org.springframework.boot.Banner.Mode.OFF)
                        .properties("logging.level.root=warn")
                        .run()) {
            track(context.getBean(loader.loadClass("LearningEventService")), learner);
            check(context.getBean(RocketClient.class), learner);
        }
        System.err.println("java: the example works with the " + name + "'s client");
    }

    private static void track(Object service, String learner) throws ReflectiveOperationException {
        try {
            service.getClass()
                    .getMethod("trackCourseCompletion", String.class, String.class)
                    .invoke(service, learner, "course-456");
        } catch (InvocationTargetException e) {
            throw new IllegalStateException("The example threw", e.getCause());
        }
    }

    private static void check(RocketClient rocket, String learner) {
        long points = rocket.users().getBalance(learner).points();
        expect(points == COURSE_POINTS, learner + " has " + points + " points");
        List<StoredEvent> events =
                rocket.users().getEvents(learner).stream().collect(Collectors.toList());
        expect(events.size() == 1, events.size() + " events are stored");
        StoredEvent event = events.get(0);
        expect(
                "course-456".equals(event.properties().get("course_id")),
                "the course is " + event.properties());
        Instant completed = Instant.parse((String) event.properties().get("completion_time"));
        expect(!completed.isAfter(Instant.now()), "completion_time is " + completed);
    }

    private static void checkDependency(String xml) {
        for (String part : List.of(">com.rocketlearning<", ">rocket-learning-sdk<", ">1.0.0<")) {
            expect(xml.contains(part), "the dependency isn't ours: " + xml);
        }
    }

    private static List<String> split(String block) {
        List<String> classes = List.of(block.split("\n(?=@Service\n)", -1));
        expect(classes.size() == 2, "the page has other classes now");
        return classes;
    }

    private static String section(String page) {
        int start = page.indexOf("### Java SDK");
        expect(start >= 0, "the page has no section on Java");
        return page.substring(start, page.indexOf("\n## ", start));
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
