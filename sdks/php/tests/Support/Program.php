<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

/** A PHP program in a process of its own, which has ended. */
final class Program
{
    private const AUTOLOAD = __DIR__ . '/../../vendor/autoload.php';

    public readonly string $output;

    /** @param array<string, string> $variables of its environment, beside ours */
    public function __construct(string $code, array $variables = [])
    {
        $command = [PHP_BINARY, '-d', 'display_errors=0', '-d', 'log_errors=0', '-r', self::whole($code)];
        $environment = $variables + getenv();
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes, null, $environment);
        if ($process === false) {
            throw new \RuntimeException("a process couldn't be started");
        }
        $this->output = (string) stream_get_contents($pipes[1]);
        proc_close($process);
    }

    private static function whole(string $code): string
    {
        return sprintf('require %s; %s', var_export(self::AUTOLOAD, true), $code);
    }
}
