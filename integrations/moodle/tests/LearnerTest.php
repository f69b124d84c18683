<?php
use local_rocket\local\learner;
use PHPUnit\Framework\TestCase;

/** Whose an event is. */
final class LearnerTest extends TestCase {
    /** The event's type decides which field names the learner, as in Rocket. */
    public function test_the_type_decides(): void {
        $event = ['userid' => 2, 'relateduserid' => 7];
        $this->assertSame(2, learner::of($event, learner::ACTOR));
        $this->assertSame(7, learner::of($event, learner::RELATED));
        $this->assertSame(7, learner::of($event, learner::RELATED_OR_ACTOR));
        $this->assertSame(0, learner::of($event, learner::NOBODY));
        $this->assertSame(2, learner::of(['userid' => 2, 'relateduserid' => null], learner::RELATED));
        $this->assertSame(8, learner::of(['userid' => 2, 'other' => ['relateduserid' => '8']], learner::RELATED));
    }

    /** A group's submission names nobody, so it is theirs who did it; the system is nobody. */
    public function test_nobody(): void {
        $this->assertSame(2, learner::of(['userid' => 2, 'relateduserid' => 0], learner::RELATED_OR_ACTOR));
        $this->assertSame(0, learner::of(['userid' => 2, 'relateduserid' => 0], learner::RELATED));
        $this->assertSame(0, learner::of(['userid' => -1], learner::ACTOR));
    }
}
