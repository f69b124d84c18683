-- name: current
-- The latest version of each rule of an organisation.
SELECT DISTINCT ON (r.rule_id) r.rule_id, r.version, r.definition
FROM rules r
WHERE r.organisation_id = $1
ORDER BY r.rule_id, r.version DESC;

-- name: version
-- One version of a rule.
SELECT r.definition FROM rules r WHERE r.organisation_id = $1 AND r.rule_id = $2 AND r.version = $3;

-- name: add_versions
-- New versions of rules, each one above the latest there is.
INSERT INTO rules (organisation_id, rule_id, version, definition, created_by)
SELECT $1, n.rule_id,
    coalesce((SELECT max(r.version) FROM rules r WHERE r.organisation_id = $1 AND r.rule_id = n.rule_id), 0) + 1,
    n.definition, $4
FROM unnest($2::text[], $3::jsonb[]) AS n (rule_id, definition)
RETURNING rule_id, version;

-- name: count_awards
-- What probes find: live awards of a rule for a learner under a mark, by time of occurrence in [since, until).
-- Probes that find nothing aren't in the answer.
SELECT p.number, found.awards, found.points, found.earliest, found.latest
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    WITH ORDINALITY AS p (learner_id, rule_id, mark, since, until, number)
CROSS JOIN LATERAL (
    SELECT count(*) AS awards, sum(m.points)::bigint AS points,
        min(m.occurred_at) AS earliest, max(m.occurred_at) AS latest
    FROM award_marks m
    WHERE m.organisation_id = $1 AND m.learner_id = p.learner_id AND m.rule_id = p.rule_id AND m.mark = p.mark
        AND m.occurred_at >= coalesce(p.since, '-infinity') AND m.occurred_at < coalesce(p.until, 'infinity')
) AS found
WHERE found.awards > 0;

-- name: find_marks
-- What awards count against.
SELECT m.learner_id::text AS learner_id, m.rule_id, m.mark, m.occurred_at, m.award_id::text AS award_id, m.points
FROM award_marks m
WHERE m.organisation_id = $1 AND m.learner_id = ANY ($2::uuid[]) AND m.rule_id = ANY ($3::text[])
    AND m.award_id = ANY ($4::uuid[]);

-- name: remove_marks
-- Frees what reversed awards had used.
DELETE FROM award_marks m
WHERE m.organisation_id = $1 AND m.learner_id = ANY ($2::uuid[]) AND m.rule_id = ANY ($3::text[])
    AND m.award_id = ANY ($4::uuid[]);
