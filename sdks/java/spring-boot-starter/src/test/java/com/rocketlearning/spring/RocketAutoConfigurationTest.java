package com.rocketlearning.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.rocketlearning.CircuitBreaker;
import com.rocketlearning.Event;
import com.rocketlearning.EventBuffer;
import com.rocketlearning.EventSchema;
import com.rocketlearning.RocketClient;
import com.rocketlearning.exception.BufferClosedException;
import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.exception.ValidationException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class RocketAutoConfigurationTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withConfiguration(AutoConfigurations.of(RocketAutoConfiguration.class))
                    .withPropertyValues(
                            "rocket.base-url=http://127.0.0.1:9", "rocket.api.key=rk_test_x");

    @Test
    @DisplayName("A key and an address in the properties are enough for a client")
    void makesAClient() {
        runner.run(
                context -> {
                    RocketClient client = context.getBean(RocketClient.class);
                    assertThat(client.baseUrl()).isEqualTo("http://127.0.0.1:9");
                    assertThat(client.circuitBreaker().state())
                            .isEqualTo(CircuitBreaker.State.CLOSED);
                });
    }

    @Test
    @DisplayName("An environment stands for its own server, where there is no address")
    void takesTheEnvironment() {
        runner.withPropertyValues("rocket.base-url=", "rocket.environment=staging")
                .withBean(RocketAutoConfiguration.Customizer.class, () -> builder -> {})
                .run(
                        context ->
                                assertThat(context.getBean(RocketClient.class).baseUrl())
                                        .isEqualTo(
                                                System.getenv()
                                                        .getOrDefault(
                                                                "ROCKET_BASE_URL",
                                                                "https://api.staging.rocketlearningrewards.com")));
    }

    @Test
    @DisplayName("A client of the application's own is the only one")
    void keepsTheApplicationsClient() {
        runner.withUserConfiguration(OwnClient.class)
                .run(
                        context -> {
                            assertThat(context).hasSingleBean(RocketClient.class);
                            assertThat(context.getBean(RocketClient.class).baseUrl())
                                    .isEqualTo("http://own:1");
                        });
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnClient {
        @Bean
        RocketClient rocketClient() {
            return RocketClient.builder().apiKey("rk_test_own").baseUrl("http://own:1").build();
        }
    }

    @Test
    @DisplayName("Properties reach the policy, the breaker and the checks")
    void appliesProperties() {
        runner.withPropertyValues(
                        "rocket.circuit-breaker.threshold=1", "rocket.validate-events=true")
                .withBean(
                        EventSchema.class,
                        () ->
                                EventSchema.of(
                                        Map.of(
                                                "properties",
                                                Map.of(
                                                        "course_id",
                                                        Map.of(
                                                                "type",
                                                                "string",
                                                                "required",
                                                                true)))))
                .run(
                        context -> {
                            RocketClient client = context.getBean(RocketClient.class);
                            client.circuitBreaker().failure();
                            assertThat(client.circuitBreaker().state())
                                    .isEqualTo(CircuitBreaker.State.OPEN);
                            Event event =
                                    Event.builder().event("course.completed").userId("u").build();
                            assertThat(catchThrowable(() -> client.events().track(event)))
                                    .isInstanceOf(ValidationException.class)
                                    .hasMessageContaining("properties.course_id");
                        });
    }

    @Test
    @DisplayName("A number out of its bounds keeps the application from starting, and says which")
    void refusesWhatCantBe() {
        runner.withPropertyValues("rocket.retry.max-retries=-1")
                .run(
                        context ->
                                assertThat(context)
                                        .hasFailed()
                                        .getFailure()
                                        .hasRootCauseInstanceOf(ConfigurationException.class)
                                        .hasRootCauseMessage(
                                                "Retry policy: maxRetries must be 0 or more"));
    }

    @Test
    @DisplayName("Customizers have the last word")
    void asksCustomizers() {
        runner.withBean(
                        RocketAutoConfiguration.Customizer.class,
                        () -> builder -> builder.baseUrl("http://last:1"))
                .run(
                        context ->
                                assertThat(context.getBean(RocketClient.class).baseUrl())
                                        .isEqualTo("http://last:1"));
    }

    @Test
    @DisplayName("The client's buffers are closed with the context")
    void closesBuffers() {
        AtomicReference<EventBuffer> buffer = new AtomicReference<>();
        runner.run(context -> buffer.set(context.getBean(RocketClient.class).buffer()));
        assertThat(
                        catchThrowable(
                                () ->
                                        buffer.get()
                                                .add(
                                                        Event.builder()
                                                                .event("a.b")
                                                                .userId("u")
                                                                .build())))
                .isInstanceOf(BufferClosedException.class);
    }

    @Test
    @DisplayName("The key isn't in what the properties print")
    void hidesTheKey() {
        runner.run(
                context ->
                        assertThat(context.getBean(RocketProperties.class).toString())
                                .doesNotContain("rk_test_x"));
    }
}
