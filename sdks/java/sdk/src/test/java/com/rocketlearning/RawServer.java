package com.rocketlearning;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * A server on a real socket that answers by script, one connection a request; after the script it
 * resets.
 */
final class RawServer implements AutoCloseable {
    /** What becomes of one request. */
    @FunctionalInterface
    interface Reply {
        void to(Socket connection) throws IOException, InterruptedException;
    }

    final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    final CountDownLatch arrived = new CountDownLatch(1);
    private final ServerSocket socket;
    private final Deque<Reply> script = new ArrayDeque<>();

    RawServer(Reply... replies) {
        script.addAll(List.of(replies));
        try {
            socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread thread = new Thread(this::serve, "raw-server");
        thread.setDaemon(true);
        thread.start();
    }

    String url() {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    static Reply answer(int status, String headers, String body) {
        String head =
                "HTTP/1.1 "
                        + status
                        + " x\r\nConnection: close\r\nContent-Length: "
                        + body.length()
                        + "\r\n"
                        + headers;
        return connection -> write(connection, head + "\r\n" + body);
    }

    static Reply ok(String body) {
        return answer(200, "", body);
    }

    /** Breaks the connection with RST. */
    static Reply reset() {
        return connection -> connection.setSoLinger(true, 0);
    }

    /** Sends the head and a part of the body, and then nothing more. */
    static Reply stall(CountDownLatch until) {
        return connection -> {
            write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"points\":");
            until.await();
        };
    }

    private static void write(Socket connection, String text) throws IOException {
        connection.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        connection.getOutputStream().flush();
    }

    private void serve() {
        while (!socket.isClosed()) {
            try (Socket connection = socket.accept()) {
                requests.add(read(connection.getInputStream()));
                arrived.countDown();
                (script.isEmpty() ? reset() : script.remove()).to(connection);
            } catch (IOException e) {
                // the client went away, or the test is over
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static String read(InputStream input) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) input.read());
        }
        String text = head.toString();
        int at = text.toLowerCase(Locale.ROOT).indexOf("content-length: ");
        int length =
                at < 0 ? 0 : Integer.parseInt(text.substring(at + 16, text.indexOf("\r\n", at)));
        return text + new String(input.readNBytes(length), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
