<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The learner has fewer points than would be spent (422); `$details['balance']` says how many. */
final class InsufficientPointsException extends ApiException
{
}
