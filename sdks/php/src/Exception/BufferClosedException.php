<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The event buffer was closed and takes nothing any more. */
final class BufferClosedException extends RocketException
{
}
