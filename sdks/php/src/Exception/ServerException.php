<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The server failed (5xx), after all retries. The same call may be made again and counts once. */
final class ServerException extends ApiException
{
}
