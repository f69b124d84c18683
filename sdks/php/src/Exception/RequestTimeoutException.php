<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The server didn't answer in time. */
final class RequestTimeoutException extends TransportException
{
}
