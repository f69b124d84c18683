package com.rocketlearning;

import com.rocketlearning.exception.ValidationException;
import com.rocketlearning.model.EventResult;
import com.rocketlearning.model.ValidationResult;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Tries an integration out, with events that look like real ones. */
public final class RocketEventTester {
    private static final List<String> NAMES =
            List.of("lesson.completed", "quiz.completed", "assignment.submitted");
    private static final int LESSONS_PER_COURSE = 3;

    private final RocketClient client;

    /**
     * A tester that asks this client's server.
     *
     * @param client best one with a key of the staging organisation
     */
    public RocketEventTester(RocketClient client) {
        this.client = client;
    }

    /**
     * Asks the server what is wrong with an event. Nothing is stored.
     *
     * @param event what would have happened
     * @return what the server says
     */
    public ValidationResult validateEvent(Event event) {
        return client.events().validate(event);
    }

    /**
     * Lets the server check an event, and sends it where it is right.
     *
     * @param event what happened
     * @return what became of it
     * @throws ValidationException where the server finds it wrong; nothing was stored
     */
    public EventResult sendTestEvent(Event event) {
        ValidationResult validation = validateEvent(event);
        if (!validation.valid()) {
            throw new ValidationException(validation.errors());
        }
        return client.events().track(event);
    }

    /**
     * Ten events of a learner.
     *
     * @param userId the learner
     * @return lessons, quizzes and assignments in turn
     */
    public static List<Event> generateTestEvents(String userId) {
        return generateTestEvents(userId, 10);
    }

    /**
     * Events of a learner, who goes from lesson to lesson.
     *
     * @param userId the learner
     * @param count how many
     * @return lessons, quizzes and assignments in turn
     */
    public static List<Event> generateTestEvents(String userId, int count) {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(
                    Event.builder()
                            .event(NAMES.get(i % NAMES.size()))
                            .userId(userId)
                            .property("course_id", "course-" + (i / LESSONS_PER_COURSE + 1))
                            .property("lesson_id", "lesson-" + (i + 1))
                            .property("progress_pct", ThreadLocalRandom.current().nextInt(100))
                            .build());
        }
        return events;
    }
}
