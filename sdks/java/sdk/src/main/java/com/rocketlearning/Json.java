package com.rocketlearning;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.FieldError;
import java.io.IOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * JSON as the API speaks it: moments in UTC with three digits of milliseconds, answers in
 * snake_case.
 */
final class Json {
    private static final DateTimeFormatter MOMENT =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final TypeReference<Map<String, Object>> OBJECT = new TypeReference<>() {};

    /** Writes what callers give; their own names are left alone. */
    private static final ObjectMapper WRITER =
            JsonMapper.builder()
                    .addModule(new JavaTimeModule())
                    .addModule(
                            new SimpleModule()
                                    .addSerializer(Instant.class, moment(Function.identity()))
                                    .addSerializer(
                                            OffsetDateTime.class, moment(OffsetDateTime::toInstant))
                                    .addSerializer(
                                            ZonedDateTime.class, moment(ZonedDateTime::toInstant))
                                    .addSerializer(Date.class, moment(Date::toInstant)))
                    .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
                    .disable(SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
                    .build();

    private static final ObjectMapper READER =
            JsonMapper.builder()
                    .addModule(new JavaTimeModule())
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .defaultSetterInfo(
                            JsonSetter.Value.forValueNulls(Nulls.SKIP)) // a list is never null
                    .visibility(PropertyAccessor.ALL, Visibility.NONE)
                    .visibility(PropertyAccessor.FIELD, Visibility.ANY)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private Json() {}

    /** {@return a moment as the API is told it; finer than milliseconds is cut off} */
    static String moment(Instant moment) {
        return MOMENT.format(moment);
    }

    /**
     * A copy made of maps, lists, texts, numbers and booleans, as it would look after a journey as
     * JSON.
     *
     * @throws ValidationException where something in it can't be written as JSON
     */
    static Map<String, Object> plain(Map<String, ?> given) {
        try {
            return WRITER.convertValue(given, OBJECT);
        } catch (IllegalArgumentException e) {
            throw unwritable(e);
        }
    }

    static byte[] write(Object value) {
        try {
            return WRITER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw unwritable(e);
        }
    }

    /** {@return the object that these bytes spell, or null where they spell something else} */
    static JsonNode object(byte[] bytes) {
        try {
            JsonNode node = READER.readTree(bytes);
            return node != null && node.isObject() ? node : null;
        } catch (IOException e) {
            return null;
        }
    }

    static <T> T read(JsonNode node, Class<T> type) {
        return READER.convertValue(node, type);
    }

    static Map<String, Object> map(JsonNode node) {
        return READER.convertValue(node, OBJECT);
    }

    private static ValidationException unwritable(Exception e) {
        String why =
                e instanceof JsonProcessingException
                        ? ((JsonProcessingException) e).getOriginalMessage()
                        : e.getMessage();
        ValidationException refused =
                new ValidationException(
                        List.of(new FieldError("", "can't be written as JSON: " + why)));
        refused.initCause(e);
        return refused;
    }

    private static <T> JsonSerializer<T> moment(Function<T, Instant> toInstant) {
        return new JsonSerializer<>() {
            @Override
            public void serialize(T value, JsonGenerator generator, SerializerProvider provider)
                    throws IOException {
                generator.writeString(moment(toInstant.apply(value)));
            }
        };
    }
}
