<?php

declare(strict_types=1);

namespace RocketLearning\Exception;

/** A client, a schema or a secret can't be made like this; the message says what is expected. */
final class ConfigurationException extends RocketException
{
}
