package com.rocketlearning.spring;

import com.rocketlearning.CircuitBreaker;
import com.rocketlearning.EventSchema;
import com.rocketlearning.RetryPolicy;
import com.rocketlearning.RocketClient;
import com.rocketlearning.RocketListener;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Makes the client, unless the application has one of its own. It is closed with the context, and
 * sends what its buffers still have.
 *
 * <p>Beans of the types {@link RocketListener} and {@link EventSchema} are used where there are
 * some, and {@link Customizer}s last of all.
 */
@AutoConfiguration
@EnableConfigurationProperties(RocketProperties.class)
public class RocketAutoConfiguration {
    /** Made by Spring. */
    public RocketAutoConfiguration() {}

    /** Changes the client's builder after the properties were applied. */
    @FunctionalInterface
    public interface Customizer {
        /**
         * Changes the builder.
         *
         * @param builder as the properties say
         */
        void customize(RocketClient.Builder builder);
    }

    @Bean
    @ConditionalOnMissingBean
    RocketClient rocketClient(
            RocketProperties properties,
            ObjectProvider<RocketListener> listeners,
            ObjectProvider<EventSchema> schema,
            ObjectProvider<Customizer> customizers) {
        RocketClient.Builder builder =
                RocketClient.builder()
                        .apiKey(properties.api().key())
                        .baseUrl(properties.baseUrl())
                        .environment(properties.environment())
                        .timeout(properties.timeout())
                        .validateEvents(properties.validateEvents())
                        .eventSchema(schema.getIfAvailable())
                        .retryPolicy(policy(properties.retry()))
                        .circuitBreaker(
                                new CircuitBreaker(
                                        properties.circuitBreaker().threshold(),
                                        properties.circuitBreaker().reset()));
        listeners.orderedStream().forEach(builder::listener);
        customizers.orderedStream().forEach(customizer -> customizer.customize(builder));
        return builder.build();
    }

    private static RetryPolicy policy(RocketProperties.Retry retry) {
        return RetryPolicy.builder()
                .enabled(retry.enabled())
                .maxRetries(retry.maxRetries())
                .baseDelay(retry.baseDelay())
                .multiplier(retry.multiplier())
                .maxDelay(retry.maxDelay())
                .jitter(retry.jitter())
                .maxRetryAfter(retry.maxRetryAfter())
                .build();
    }
}
