package com.rocketlearning;

import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;

/**
 * Keeps the requests that would have been sent, and gives answers by script; {@code {}} where there
 * is none.
 */
final class RecordingHttpClient extends HttpClient {
    /** A request that would have been sent. */
    static final class Sent {
        final HttpRequest request;
        final String body;

        Sent(HttpRequest request, String body) {
            this.request = request;
            this.body = body;
        }
    }

    private static final class Scripted {
        final int status;
        final Map<String, String> headers;
        final String body;
        final IOException failure;

        Scripted(int status, Map<String, String> headers, String body, IOException failure) {
            this.status = status;
            this.headers = headers;
            this.body = body;
            this.failure = failure;
        }
    }

    final List<Sent> sent = new ArrayList<>();
    private final Deque<Scripted> script = new ArrayDeque<>();

    RecordingHttpClient answer(int status, Map<String, String> headers, String body) {
        script.add(new Scripted(status, headers, body, null));
        return this;
    }

    RecordingHttpClient fail(IOException failure) {
        script.add(new Scripted(0, Map.of(), "", failure));
        return this;
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
            HttpRequest request, BodyHandler<T> handler) {
        sent.add(
                new Sent(
                        request,
                        request.bodyPublisher().map(RecordingHttpClient::read).orElse("")));
        Scripted next =
                script.isEmpty() ? new Scripted(200, Map.of(), "{}", null) : script.remove();
        if (next.failure != null) {
            return CompletableFuture.failedFuture(next.failure);
        }
        Response<T> response = new Response<>(request, next);
        BodySubscriber<T> subscriber = handler.apply(response);
        subscriber.onSubscribe(new NoSubscription());
        subscriber.onNext(List.of(ByteBuffer.wrap(next.body.getBytes(StandardCharsets.UTF_8))));
        subscriber.onComplete();
        return subscriber
                .getBody()
                .toCompletableFuture()
                .thenApply(
                        body -> {
                            response.body = body;
                            return response;
                        });
    }

    private static String read(HttpRequest.BodyPublisher publisher) {
        BodySubscriber<String> text = HttpResponse.BodySubscribers.ofString(StandardCharsets.UTF_8);
        publisher.subscribe(
                new Flow.Subscriber<>() {
                    @Override
                    public void onSubscribe(Flow.Subscription subscription) {
                        text.onSubscribe(subscription);
                    }

                    @Override
                    public void onNext(ByteBuffer item) {
                        text.onNext(List.of(item));
                    }

                    @Override
                    public void onError(Throwable error) {
                        text.onError(error);
                    }

                    @Override
                    public void onComplete() {
                        text.onComplete();
                    }
                });
        return text.getBody().toCompletableFuture().join();
    }

    private static final class NoSubscription implements Flow.Subscription {
        @Override
        public void request(long n) {}

        @Override
        public void cancel() {}
    }

    private static final class Response<T> implements HttpResponse<T>, HttpResponse.ResponseInfo {
        private final HttpRequest request;
        private final Scripted scripted;
        private T body;

        Response(HttpRequest request, Scripted scripted) {
            this.request = request;
            this.scripted = scripted;
        }

        @Override
        public int statusCode() {
            return scripted.status;
        }

        @Override
        public HttpHeaders headers() {
            return HttpHeaders.of(
                    scripted.headers.entrySet().stream()
                            .collect(
                                    Collectors.toMap(
                                            Map.Entry::getKey, one -> List.of(one.getValue()))),
                    (name, value) -> true);
        }

        @Override
        public T body() {
            return body;
        }

        @Override
        public HttpRequest request() {
            return request;
        }

        @Override
        public URI uri() {
            return request.uri();
        }

        @Override
        public Version version() {
            return Version.HTTP_1_1;
        }

        @Override
        public Optional<HttpResponse<T>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return Optional.empty();
        }
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
            HttpRequest request, BodyHandler<T> handler, PushPromiseHandler<T> pushes) {
        return sendAsync(request, handler);
    }

    @Override
    public <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler) {
        return sendAsync(request, handler).join();
    }

    @Override
    public Optional<CookieHandler> cookieHandler() {
        return Optional.empty();
    }

    @Override
    public Optional<Duration> connectTimeout() {
        return Optional.empty();
    }

    @Override
    public Redirect followRedirects() {
        return Redirect.NEVER;
    }

    @Override
    public Optional<ProxySelector> proxy() {
        return Optional.empty();
    }

    @Override
    public SSLContext sslContext() {
        throw new UnsupportedOperationException();
    }

    @Override
    public SSLParameters sslParameters() {
        return new SSLParameters();
    }

    @Override
    public Optional<Authenticator> authenticator() {
        return Optional.empty();
    }

    @Override
    public Version version() {
        return Version.HTTP_1_1;
    }

    @Override
    public Optional<Executor> executor() {
        return Optional.empty();
    }
}
