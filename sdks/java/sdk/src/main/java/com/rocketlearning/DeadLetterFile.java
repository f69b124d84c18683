package com.rocketlearning;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** A line of JSON for each event that wasn't delivered. */
final class DeadLetterFile implements DeadLetterHandler {
    private final Path file;

    DeadLetterFile(Path file) {
        this.file = file;
    }

    @Override
    public synchronized void accept(DeadLetter letter) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        line.writeBytes(line(letter, Instant.now()));
        line.write('\n');
        try {
            Files.write(
                    file, line.toByteArray(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] line(DeadLetter letter, Instant at) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("at", at);
        fields.put("reason", letter.reason().toString());
        fields.put("error", letter.error());
        fields.put("event", letter.event());
        return Json.write(fields);
    }
}
