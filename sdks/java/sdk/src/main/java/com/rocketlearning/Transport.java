package com.rocketlearning;

import com.fasterxml.jackson.databind.JsonNode;
import com.rocketlearning.RocketListener.Attempt;
import com.rocketlearning.exception.CircuitOpenException;
import com.rocketlearning.exception.NetworkException;
import com.rocketlearning.exception.RequestTimeoutException;
import com.rocketlearning.exception.RocketException;
import com.rocketlearning.exception.TransportException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.DoubleSupplier;
import java.util.function.Function;

/** Makes a call: asks the breaker before each try, and tries again as the policy says. */
final class Transport {
    private final HttpClient http;
    private final String baseUrl;
    private final String apiKey;
    private final String userAgent;
    private final Duration timeout;
    private final RetryPolicy policy;
    private final CircuitBreaker breaker;
    private final DoubleSupplier random;
    private final Listeners listeners;

    Transport(
            HttpClient http,
            String baseUrl,
            String apiKey,
            String userAgent,
            Duration timeout,
            RetryPolicy policy,
            CircuitBreaker breaker,
            DoubleSupplier random,
            Listeners listeners) {
        this.http = http;
        this.baseUrl = baseUrl;
        this.apiKey = apiKey;
        this.userAgent = userAgent;
        this.timeout = timeout;
        this.policy = policy;
        this.breaker = breaker;
        this.random = random;
        this.listeners = listeners;
    }

    String baseUrl() {
        return baseUrl;
    }

    /**
     * Makes a call, with all its tries.
     *
     * @param read makes the result of the object that the server answers
     * @return the result; it fails with a RocketException. Who cancels it ends the try that is
     *     under way
     */
    <T> CompletableFuture<T> send(Call call, Function<JsonNode, T> read) {
        return new Exchange<>(call, read).start();
    }

    private final class Exchange<T> {
        private final Call call;
        private final Function<JsonNode, T> read;
        private final HttpRequest request;
        private final CompletableFuture<T> result = new CompletableFuture<>();
        private volatile CompletableFuture<?> underWay;

        Exchange(Call call, Function<JsonNode, T> read) {
            this.call = call;
            this.read = read;
            this.request = request(call);
        }

        CompletableFuture<T> start() {
            attempt(0, null);
            var unused =
                    result.whenComplete(
                            (answer, error) -> {
                                if (result.isCancelled() && underWay != null) {
                                    underWay.cancel(true);
                                }
                            });
            return result;
        }

        /**
         * Makes try number {@code retry}, from 0; {@code last} is what the one before ended with.
         */
        private void attempt(int retry, RocketException last) {
            if (result.isDone()) {
                return;
            }
            if (!breaker.tryAcquire()) {
                result.completeExceptionally(
                        last != null ? last : new CircuitOpenException(breaker.retryAfter()));
                return;
            }
            long started = System.nanoTime();
            CompletableFuture<HttpResponse<byte[]>> sent =
                    http.sendAsync(request, BoundedBody.handler());
            // The client's own time-out ends with the headers; this one includes the body.
            CompletableFuture<HttpResponse<byte[]>> tried =
                    sent.copy().orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS);
            underWay = sent;
            var unused =
                    tried.whenComplete(
                            (response, error) -> {
                                if (error != null) {
                                    sent.cancel(true);
                                }
                                ended(
                                        retry,
                                        response,
                                        error,
                                        Duration.ofNanos(System.nanoTime() - started));
                            });
        }

        private void ended(
                int retry, HttpResponse<byte[]> response, Throwable error, Duration duration) {
            if (result.isCancelled()) {
                breaker.cancel();
                return;
            }
            try {
                settle(retry, response, error, duration);
            } catch (RuntimeException e) { // whatever it is, nobody waits for ever
                result.completeExceptionally(
                        new RocketException("The answer isn't understood: " + e.getMessage(), e));
            }
        }

        private void settle(
                int retry, HttpResponse<byte[]> response, Throwable thrown, Duration duration) {
            JsonNode body = response == null ? null : Json.object(response.body());
            RocketException error = null;
            if (response == null) {
                error = lost(thrown);
            } else if (body == null || response.statusCode() / 100 != 2) {
                error = Answers.exception(response.statusCode(), response.headers(), body);
            }
            if (Outcome.failed(error)) {
                breaker.failure();
            } else {
                breaker.success();
            }
            int status = response == null ? 0 : response.statusCode();
            Attempt attempt =
                    new Attempt(
                            call.method, baseUrl + call.path, retry + 1, status, error, duration);
            listeners.tell(one -> one.onAttempt(attempt));
            if (error == null) {
                result.complete(read.apply(body));
            } else {
                again(retry, attempt);
            }
        }

        private void again(int retry, Attempt attempt) {
            RocketException error = attempt.error();
            Optional<Duration> delay = policy.delay(retry, error, random.getAsDouble());
            if (delay.isEmpty()) {
                result.completeExceptionally(error);
                return;
            }
            listeners.tell(one -> one.onRetry(attempt, delay.get()));
            CompletableFuture.delayedExecutor(delay.get().toNanos(), TimeUnit.NANOSECONDS)
                    .execute(() -> next(retry + 1, error));
        }

        /** Runs where nobody would see what it throws. */
        private void next(int retry, RocketException last) {
            try {
                attempt(retry, last);
            } catch (RuntimeException e) {
                breaker.cancel();
                result.completeExceptionally(
                        new RocketException("The request couldn't be made", e));
            }
        }

        private RocketException lost(Throwable thrown) {
            Throwable cause =
                    thrown instanceof CompletionException && thrown.getCause() != null
                            ? thrown.getCause()
                            : thrown;
            String where = call.method + " " + baseUrl + call.path;
            if (cause instanceof HttpTimeoutException || cause instanceof TimeoutException) {
                return new RequestTimeoutException(
                        where + ": no answer within " + timeout.toMillis() + " ms", cause);
            }
            String why =
                    cause.getMessage() == null
                            ? cause.getClass().getSimpleName()
                            : cause.getMessage();
            return new NetworkException(where + ": " + why, cause);
        }
    }

    private HttpRequest request(Call call) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(baseUrl + call.path + call.query()))
                        .header("Authorization", "Bearer " + apiKey)
                        .header("Accept", "application/json")
                        .header("User-Agent", userAgent);
        if (call.idempotencyKey != null) {
            request.header("Idempotency-Key", call.idempotencyKey);
        }
        if (call.body == null) {
            return request.method(call.method, BodyPublishers.noBody()).build();
        }
        return request.header("Content-Type", "application/json")
                .method(call.method, BodyPublishers.ofByteArray(call.body))
                .build();
    }

    /**
     * What a future answers, waited for by this thread. The exception's trace is the caller's, not
     * that of a thread of the HTTP client.
     */
    static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            future.cancel(true);
            Thread.currentThread().interrupt();
            throw new TransportException("Interrupted before the answer was there", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RocketException) {
                RocketException error = (RocketException) e.getCause();
                error.setStackTrace(new Throwable().getStackTrace());
                throw error;
            }
            throw new RocketException("The request couldn't be made", e.getCause());
        }
    }
}
