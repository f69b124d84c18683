<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The server can't be reached, or the connection broke. */
final class NetworkException extends TransportException
{
}
