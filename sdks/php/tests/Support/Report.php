<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

/** What the tests tell the rest of the repository, in `build/sdks`. */
final class Report
{
    private const FOLDER = __DIR__ . '/../../../../build/sdks';

    /** @var array<string, bool> */
    private static array $outcomes = [];

    /** What became of a case; the report is written when all tests are over. */
    public static function tell(string $case, bool $passed): void
    {
        if (self::$outcomes === []) {
            register_shutdown_function(self::writeCases(...));
        }
        self::$outcomes[$case] = $passed;
    }

    public static function write(string $name, mixed $content): void
    {
        if (!is_dir(self::FOLDER)) {
            mkdir(self::FOLDER, 0o777, true);
        }
        $text = json_encode($content, JSON_THROW_ON_ERROR | JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES);
        file_put_contents(self::FOLDER . "/{$name}.json", "{$text}\n");
    }

    private static function writeCases(): void
    {
        ksort(self::$outcomes);
        self::write('php.cases', [
            'sdk' => 'php',
            'passed' => array_keys(self::$outcomes, true, true),
            'failed' => array_keys(self::$outcomes, false, true),
        ]);
    }
}
