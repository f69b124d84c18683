<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** The event buffer holds as many events as it may, and was told to refuse more. */
final class BufferFullException extends RocketException
{
}
