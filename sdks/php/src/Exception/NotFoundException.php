<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** There is nothing of that name in the key's organisation (404). */
final class NotFoundException extends ApiException
{
}
