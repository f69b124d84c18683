-- name: current
-- The latest version of each rule of an organisation that wasn't withdrawn, and since when there is one: of its own
-- rules, or of those that its sources' mappings make ($2).
SELECT latest.version, latest.definition, latest.created_at, latest.created_by, latest.withdrawn, latest.first_created_at
FROM (
    SELECT DISTINCT ON (r.rule_id) r.rule_id, r.version, r.definition, r.created_at, r.created_by, r.withdrawn,
        min(r.created_at) OVER (PARTITION BY r.rule_id) AS first_created_at
    FROM rules r
    WHERE r.organisation_id = $1 AND starts_with(r.rule_id, 'mapping:') = $2
    ORDER BY r.rule_id, r.version DESC
) AS latest
WHERE NOT latest.withdrawn;

-- name: history
-- Versions of one rule, the latest first, below a number.
SELECT r.version, r.definition, r.created_at, r.created_by, r.withdrawn,
    (SELECT min(f.created_at) FROM rules f WHERE f.organisation_id = $1 AND f.rule_id = $2) AS first_created_at
FROM rules r
WHERE r.organisation_id = $1 AND r.rule_id = $2 AND r.version < $3
ORDER BY r.version DESC
LIMIT $4;

-- name: versions
-- Some versions of rules.
SELECT r.version, r.definition
FROM unnest($2::text[], $3::integer[]) AS w (rule_id, version)
JOIN rules r ON r.organisation_id = $1 AND r.rule_id = w.rule_id AND r.version = w.version;

-- name: versions_of
-- All versions of some rules, the latest first.
SELECT r.version, r.definition
FROM rules r
WHERE r.organisation_id = $1 AND r.rule_id = ANY ($2::text[])
ORDER BY r.version DESC;

-- name: epochs
-- For each moment, when the rules were last changed before it.
SELECT t.moment, changed.created_at
FROM unnest($2::timestamptz[]) AS t (moment)
CROSS JOIN LATERAL (
    SELECT max(r.created_at) AS created_at FROM rules r
    WHERE r.organisation_id = $1 AND r.created_at <= t.moment
) AS changed;

-- name: in_force
-- The rules as they stood at each of some moments, withdrawn ones left out.
SELECT t.moment, then_.version, then_.definition
FROM unnest($2::timestamptz[]) AS t (moment)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (r.rule_id) r.version, r.definition, r.withdrawn
    FROM rules r
    WHERE r.organisation_id = $1 AND r.created_at <= t.moment
    ORDER BY r.rule_id, r.version DESC
) AS then_
WHERE NOT then_.withdrawn;

-- name: add_versions
-- New versions of rules, each one above the latest there is.
INSERT INTO rules (organisation_id, rule_id, version, definition, created_by, withdrawn)
SELECT $1, n.rule_id,
    coalesce((SELECT max(r.version) FROM rules r WHERE r.organisation_id = $1 AND r.rule_id = n.rule_id), 0) + 1,
    n.definition, $4, $5
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
-- What awards count against, found by the awards alone: of one rule a learner may have very many.
SELECT m.learner_id::text AS learner_id, m.rule_id, m.mark, m.occurred_at, m.award_id::text AS award_id, m.points
FROM award_marks m
WHERE m.organisation_id = $1 AND m.award_id = ANY ($2::uuid[]);

-- name: remove_marks
-- Frees what reversed awards had used.
DELETE FROM award_marks m WHERE m.organisation_id = $1 AND m.award_id = ANY ($2::uuid[]);

-- name: used_keys
-- What a learner was awarded under the courses, lessons or sections of rules ($3, $4), in the order of rule and mark
-- (code points), above a place in it. The latest award names its event, which knows the title.
SELECT u.rule_id, u.mark, u.awards, u.latest, e.event_id::text AS event_id, e.source, e.properties
FROM (
    SELECT m.rule_id, m.mark, count(*) AS awards, max(m.occurred_at) AS latest,
        (array_agg(m.award_id ORDER BY m.occurred_at DESC))[1] AS award_id
    FROM award_marks m
    WHERE m.organisation_id = $1 AND m.learner_id = $2 AND m.rule_id = ANY ($3::text[])
        AND (m.rule_id, split_part(m.mark, ':', 1)) IN (SELECT r, s FROM unnest($3::text[], $4::text[]) AS u (r, s))
        AND m.mark LIKE '%:%' AND (m.rule_id COLLATE "C", m.mark COLLATE "C") > ($5, $6)
    GROUP BY m.rule_id, m.mark
    ORDER BY m.rule_id COLLATE "C", m.mark COLLATE "C"
    LIMIT $7
) AS u
LEFT JOIN entries n ON n.organisation_id = $1 AND n.entry_id = u.award_id
LEFT JOIN events e ON e.organisation_id = $1 AND e.event_id = n.event_id
ORDER BY u.rule_id COLLATE "C", u.mark COLLATE "C";

-- name: awarded_by
-- For each mark and time, the event whose standing award has it; marks of awards without points aren't found.
SELECT w.number, found.event_id::text AS event_id
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
    WITH ORDINALITY AS w (learner_id, rule_id, mark, occurred_at, number)
CROSS JOIN LATERAL (
    SELECT n.event_id
    FROM award_marks m
    JOIN entries n ON n.organisation_id = $1 AND n.entry_id = m.award_id
    WHERE m.organisation_id = $1 AND m.learner_id = w.learner_id AND m.rule_id = w.rule_id AND m.mark = w.mark
        AND m.occurred_at = w.occurred_at
    ORDER BY m.award_id
    LIMIT 1
) AS found;

-- name: resets
-- When an organisation's courses began anew.
SELECT r.course_id, r.source, r.at FROM course_resets r WHERE r.organisation_id = $1;

-- name: count_resets
-- How often an organisation's courses began anew.
SELECT count(*) FROM course_resets r WHERE r.organisation_id = $1;

-- name: add_resets
-- Notes that courses began anew; those that were noted before aren't answered.
INSERT INTO course_resets (organisation_id, course_id, source, at, created_by)
SELECT DISTINCT $1::uuid, n.course_id, n.source, n.at, $5 FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS n (course_id, source, at)
ON CONFLICT DO NOTHING
RETURNING course_id, source, at;
