<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

use PHPUnit\Framework\TestCase;

/** Tests of shared cases, where each data set is one case; what passes is told to the parity table. */
abstract class CaseTestCase extends TestCase
{
    protected function assertPreConditions(): void
    {
        $this->tell(false);
    }

    /** PHPUnit comes here only where the test has passed. */
    protected function assertPostConditions(): void
    {
        $this->tell(true);
    }

    private function tell(bool $passed): void
    {
        $case = (string) $this->dataName();
        if ($case !== '') {
            Report::tell($case, $passed);
        }
    }
}
