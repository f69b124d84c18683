<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * `$client->rules`: what is worth points.
 *
 * @phpstan-import-type Rule from Answers
 * @phpstan-import-type RulePage from Answers
 * @phpstan-import-type TemplatePage from Answers
 */
final class RulesApi extends Api
{
    /**
     * The latest version of each rule.
     *
     * @param array{
     *     active?: bool,
     *     status?: 'draft'|'active'|'inactive',
     *     event?: string,
     *     limit?: int,
     *     cursor?: string,
     * } $filters
     * @return RulePage
     */
    public function list(array $filters = []): array
    {
        return $this->requester->send(Call::get('/v1/rules', $filters));
    }

    /**
     * A rule as it is, or as it was in a version.
     *
     * @return Rule
     */
    public function get(string $ruleId, ?int $version = null): array
    {
        return $this->requester->send(Call::get('/v1/rules/' . self::id($ruleId, 'rule_id'), ['version' => $version]));
    }

    /**
     * The ready-made rules, and which of them are on.
     *
     * @return TemplatePage
     */
    public function templates(): array
    {
        return $this->requester->send(Call::get('/v1/rules/templates'));
    }
}
