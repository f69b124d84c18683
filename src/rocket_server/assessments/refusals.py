"""Why an author or a learner may not do something now: each with a stable code, and none of them a fault."""

from __future__ import annotations

from collections.abc import Sequence

from rocket_server.errors import Conflict, FieldError, RocketError


class NotPublishable(RocketError):
    """The test can't be published as it is; `details.errors` names everything that is missing."""

    code = "not_publishable"
    status = 422

    @classmethod
    def because(cls, faults: Sequence[FieldError]) -> NotPublishable:
        """One refusal for all that is missing."""
        first = faults[0]
        return cls(
            f"The test can't be published yet. {first.path}: {first.message}",
            {"errors": [fault.as_dict() for fault in faults]},
        )


class TestPublished(Conflict):
    """What stands in a published test can't be changed. Unpublish it, change it, and publish it again."""

    code = "test_published"


class TestInUse(Conflict):
    """Learners have attempts of this test, so it stays. Archive it instead."""

    code = "test_in_use"


class NotPublished(Conflict):
    """The test isn't published, so nobody can begin it."""

    code = "test_not_published"


class NotYetOpen(Conflict):
    """The test can't be taken yet."""

    code = "test_not_yet_open"


class Closed(Conflict):
    """The test can't be taken any more."""

    code = "test_closed"


class TimeOver(Conflict):
    """The time for this attempt is over. What was answered before counts."""

    code = "time_over"


class AttemptInProgress(Conflict):
    """The learner has an attempt that isn't submitted; `details.attemptId` names it. Resume that one."""

    code = "attempt_in_progress"


class AttemptLimitReached(Conflict):
    """The learner has begun as many attempts as the test allows."""

    code = "attempt_limit_reached"


class UnderReview(Conflict):
    """The learner's last attempt waits for its review; the next one can begin when that is done."""

    code = "attempt_under_review"


class AlreadySubmitted(Conflict):
    """The attempt was submitted before; `details` has the result that it got then."""

    code = "already_submitted"


class NotSubmitted(Conflict):
    """The attempt isn't submitted yet, so it has no result and can't be reviewed."""

    code = "not_submitted"


class NotShown(Conflict):
    """The test's settings don't let learners see this."""

    code = "not_shown"


class NothingToReview(Conflict):
    """Every question of the attempt is scored by its key; there is nothing for a person to judge."""

    code = "nothing_to_review"


class QuestionInTest(Conflict):
    """The question stands in the test already."""

    code = "question_in_test"
