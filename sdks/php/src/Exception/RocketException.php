<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** Base of everything that this package throws. */
class RocketException extends \RuntimeException
{
}
