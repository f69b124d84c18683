<?php

declare(strict_types=1);

namespace RocketLearning\Tests;

use PHPUnit\Framework\TestCase;
use RocketLearning\Tests\Support\Calls;
use RocketLearning\Tests\Support\Cases;
use RocketLearning\Tests\Support\Report;
use RocketLearning\Tests\Support\Shapes;

/** Tells the SDK's types, for the comparison with the server's OpenAPI document. */
final class TypesTest extends TestCase
{
    /** Each call of the cases has parameters and an answer whose fields are known. */
    public function testEveryCallTellsItsTypes(): void
    {
        $told = [];
        foreach (array_unique(array_column(Cases::file('urls')->requests, 'call')) as $call) {
            $answer = Shapes::paths(Shapes::returned(Calls::method($call)));
            self::assertNotSame([], $answer, $call);
            $told[$call] = ['request' => self::request(Calls::method($call)), 'answer' => $answer];
        }
        Report::write('php.types', $told);
        self::assertContains('decisions[].rule_id', $told['events.track']['answer']);
        self::assertContains('next_rank.name', $told['users.get_rank']['answer']);
        self::assertSame(
            ['user_id', 'points', 'reason', 'metadata', 'idempotency_key'],
            $told['points.award']['request'],
        );
    }

    /**
     * The fields of the shapes, and the names of the other parameters.
     *
     * @return list<string>
     */
    private static function request(\ReflectionMethod $method): array
    {
        $names = [];
        foreach ($method->getParameters() as $parameter) {
            $fields = array_keys(Shapes::taken($parameter));
            $names = [...$names, ...($fields === [] ? [Calls::wireName($parameter->getName())] : $fields)];
        }
        return $names;
    }
}
