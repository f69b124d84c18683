<?php

declare(strict_types=1);

namespace RocketLearning;

/** Events for trying things out. */
final class TestEvents
{
    private const EVENTS = ['lesson.completed', 'quiz.completed', 'assignment.submitted'];

    /**
     * So many events of one learner, of several kinds in turn, in three lessons a course, now.
     *
     * @return list<array<string, mixed>>
     */
    public static function generate(string $userId, int $count = 10): array
    {
        $events = [];
        for ($index = 0; $index < $count; $index++) {
            $events[] = [
                'event' => self::EVENTS[$index % count(self::EVENTS)],
                'user_id' => $userId,
                'timestamp' => Stamps::rfc3339(new \DateTimeImmutable()),
                'properties' => [
                    'course_id' => sprintf('course-%d', intdiv($index, 3) + 1),
                    'lesson_id' => sprintf('lesson-%d', $index + 1),
                    'progress_pct' => random_int(0, 99),
                ],
            ];
        }
        return $events;
    }
}
