package com.rocketlearning;

import com.rocketlearning.exception.ConfigurationException;
import com.rocketlearning.model.Health;
import java.net.http.HttpClient;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A client of one organisation of a Rocket Learning Rewards server. Make one and keep it: it may be
 * used by any number of threads, and reuses its connections.
 *
 * <pre>{@code
 * try (RocketClient rocket = RocketClient.builder().apiKey(key).build()) {
 *     rocket.events().track(Event.builder().event("course.completed").userId("user-123").build());
 * }
 * }</pre>
 */
public final class RocketClient implements AutoCloseable {
    private final Transport transport;
    private final EventForm form;
    private final EventsApi events;
    private final PointsApi points;
    private final BadgesApi badges;
    private final UsersApi users;
    private final LeaderboardApi leaderboard;
    private final RulesApi rules;
    private final CircuitBreaker breaker;
    private final Set<EventBuffer> buffers = ConcurrentHashMap.newKeySet();

    private RocketClient(Builder builder) {
        List<RocketListener> all = new ArrayList<>(builder.listeners);
        all.add(new LoggingListener());
        Listeners listeners = new Listeners(all);
        breaker = builder.breaker == null ? CircuitBreaker.defaults() : builder.breaker;
        breaker.onChange((from, to) -> listeners.tell(one -> one.onBreakerChange(from, to)));
        form = new EventForm(builder.clock, builder.ids, builder.validateEvents, builder.schema);
        transport =
                new Transport(
                        builder.httpClient == null ? builder.newHttpClient() : builder.httpClient,
                        builder.effectiveBaseUrl(),
                        builder.effectiveApiKey(),
                        Version.USER_AGENT,
                        builder.timeout,
                        builder.retryPolicy,
                        breaker,
                        builder.random,
                        listeners);
        events = new EventsApi(transport, form);
        points = new PointsApi(transport, builder.ids);
        badges = new BadgesApi(transport, builder.ids);
        users = new UsersApi(transport);
        leaderboard = new LeaderboardApi(transport);
        rules = new RulesApi(transport);
    }

    /** {@return a builder with the defaults} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return learning events} */
    public EventsApi events() {
        return events;
    }

    /** {@return points by hand} */
    public PointsApi points() {
        return points;
    }

    /** {@return badges} */
    public BadgesApi badges() {
        return badges;
    }

    /** {@return learners} */
    public UsersApi users() {
        return users;
    }

    /** {@return leaderboards} */
    public LeaderboardApi leaderboard() {
        return leaderboard;
    }

    /** {@return what is worth points} */
    public RulesApi rules() {
        return rules;
    }

    /**
     * How the server is; works without a key, too.
     *
     * @return the state of its parts
     */
    public Health health() {
        return events.get("/v1/health", Health.class);
    }

    /** {@return the address of the server, without a slash at the end} */
    public String baseUrl() {
        return transport.baseUrl();
    }

    /** {@return the breaker that each try asks} */
    public CircuitBreaker circuitBreaker() {
        return breaker;
    }

    /**
     * Checks events against a schema of the caller's own as well, from now on.
     *
     * @param schema the schema; null for none
     */
    public void setEventSchema(EventSchema schema) {
        form.use(schema);
    }

    /** {@return a buffer that sends its events in batches, with the defaults} */
    public EventBuffer buffer() {
        return bufferBuilder().build();
    }

    /** {@return a builder of a buffer that sends its events in batches} */
    public EventBuffer.Builder bufferBuilder() {
        return new EventBuffer.Builder(this);
    }

    /** Sends what the buffers of this client still have. */
    @Override
    public void close() {
        buffers.forEach(EventBuffer::close);
    }

    /** Names the server, never the key. */
    @Override
    public String toString() {
        return "RocketClient[" + baseUrl() + "]";
    }

    EventForm form() {
        return form;
    }

    void opened(EventBuffer buffer) {
        buffers.add(buffer);
    }

    void closed(EventBuffer buffer) {
        buffers.remove(buffer);
    }

    /** Collects what a client is made of. */
    public static final class Builder {
        private String apiKey;
        private Environment environment = Environment.PRODUCTION;
        private String baseUrl;
        private RetryPolicy retryPolicy = RetryPolicy.defaults();
        private Duration timeout = Duration.ofSeconds(30);
        private Duration connectTimeout = Duration.ofSeconds(10);
        private boolean validateEvents = true;
        private EventSchema schema;
        private CircuitBreaker breaker;
        private HttpClient httpClient;
        private final List<RocketListener> listeners = new ArrayList<>();
        private Clock clock = Clock.systemUTC();
        private Supplier<String> ids = () -> UUID.randomUUID().toString();
        private DoubleSupplier random = () -> ThreadLocalRandom.current().nextDouble();
        private Function<String, String> variables = System::getenv;

        private Builder() {}

        /**
         * The key of the organisation.
         *
         * @param value the key; where it is null, {@code ROCKET_API_KEY} is looked up
         * @return this
         */
        public Builder apiKey(String value) {
            apiKey = value;
            return this;
        }

        /**
         * Which server is meant where there is no base URL.
         *
         * @param value production by default
         * @return this
         */
        public Builder environment(Environment value) {
            environment = value == null ? Environment.PRODUCTION : value;
            return this;
        }

        /**
         * Where the server is.
         *
         * @param value such as {@code https://learn.example/rocket}; where it is null or empty,
         *     {@code ROCKET_BASE_URL} is looked up, and then the environment decides
         * @return this
         */
        public Builder baseUrl(String value) {
            baseUrl = value;
            return this;
        }

        /**
         * Whether and when a request that failed is made again.
         *
         * @param value 3 retries after about 1, 2 and 4 seconds by default
         * @return this
         */
        public Builder retryPolicy(RetryPolicy value) {
            retryPolicy = Objects.requireNonNull(value, "retryPolicy");
            return this;
        }

        /**
         * How long one try may take, from connecting to the last byte of the answer.
         *
         * @param value 30 s by default
         * @return this
         */
        public Builder timeout(Duration value) {
            timeout = Objects.requireNonNull(value, "timeout");
            return this;
        }

        /**
         * How long connecting may take.
         *
         * @param value 10 s by default; not heeded beside {@link #httpClient(HttpClient)}
         * @return this
         */
        public Builder connectTimeout(Duration value) {
            connectTimeout = Objects.requireNonNull(value, "connectTimeout");
            return this;
        }

        /**
         * Whether events are checked before they are sent.
         *
         * @param value true by default
         * @return this
         */
        public Builder validateEvents(boolean value) {
            validateEvents = value;
            return this;
        }

        /**
         * A schema of the caller's own, checked after the event schema.
         *
         * @param value none by default
         * @return this
         */
        public Builder eventSchema(EventSchema value) {
            schema = value;
            return this;
        }

        /**
         * When a failing server is left alone.
         *
         * @param value 5 failures and 60 s by default; clients of one server may share one
         * @return this
         */
        public Builder circuitBreaker(CircuitBreaker value) {
            breaker = value;
            return this;
        }

        /**
         * Hears what the client does.
         *
         * @param value told beside the log and those that were added before
         * @return this
         */
        public Builder listener(RocketListener value) {
            listeners.add(Objects.requireNonNull(value, "listener"));
            return this;
        }

        /**
         * An HTTP client of the caller's own, for proxies, certificates or threads.
         *
         * @param value one that doesn't follow redirects
         * @return this
         */
        public Builder httpClient(HttpClient value) {
            httpClient = value;
            return this;
        }

        /**
         * The client.
         *
         * @return a client that is ready for use; nothing has been sent yet
         * @throws ConfigurationException where there is no key, or something can't be right
         */
        public RocketClient build() {
            if (timeout.isZero()
                    || timeout.isNegative()
                    || connectTimeout.isZero()
                    || connectTimeout.isNegative()) {
                throw new ConfigurationException("timeout and connectTimeout must be above 0");
            }
            return new RocketClient(this);
        }

        Builder clock(Clock value) {
            clock = value;
            return this;
        }

        Builder ids(Supplier<String> value) {
            ids = value;
            return this;
        }

        Builder random(DoubleSupplier value) {
            random = value;
            return this;
        }

        Builder variables(Map<String, String> values) {
            variables = values::get;
            return this;
        }

        private HttpClient newHttpClient() {
            HttpClient.Builder http =
                    HttpClient.newBuilder()
                            .followRedirects(HttpClient.Redirect.NEVER)
                            .connectTimeout(connectTimeout);
            if (effectiveBaseUrl().startsWith("http:")) {
                http.version(
                        HttpClient.Version
                                .HTTP_1_1); // no offer to upgrade, which some proxies refuse
            }
            return http.build();
        }

        private String effectiveApiKey() {
            String key = Checks.isAbsent(apiKey) ? variables.apply("ROCKET_API_KEY") : apiKey;
            if (Checks.isAbsent(key)) {
                throw new ConfigurationException(
                        "There is no API key: give apiKey(…) or set ROCKET_API_KEY");
            }
            if (!key.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
                throw new ConfigurationException(
                        "The API key has blanks, control characters or others that no key has");
            }
            return key;
        }

        private String effectiveBaseUrl() {
            for (String given : new String[] {baseUrl, variables.apply("ROCKET_BASE_URL")}) {
                if (given != null && !given.isBlank()) {
                    return BaseUrl.read(given);
                }
            }
            return environment.baseUrl();
        }
    }
}
