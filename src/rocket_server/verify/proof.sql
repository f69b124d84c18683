-- name: balances
-- Learners' accounts that differ from what their entries add up to.
SELECT coalesce(a.account_id, e.learner_id)::text AS learner_id,
    a.points, a.earned, a.spent, a.entries,
    coalesce(e.earned, 0) AS expected_earned, coalesce(e.spent, 0) AS expected_spent,
    coalesce(e.entries, 0) AS expected_entries
FROM (SELECT * FROM accounts WHERE organisation_id = $1 AND kind = 'learner') AS a
FULL JOIN (
    SELECT learner_id,
        sum(CASE WHEN from_account = $2 THEN amount WHEN to_account = $2 THEN -amount ELSE 0 END)::bigint AS earned,
        sum(CASE WHEN to_account = $3 THEN amount WHEN from_account = $3 THEN -amount ELSE 0 END)::bigint AS spent,
        count(*) AS entries
    FROM entries WHERE organisation_id = $1 GROUP BY learner_id
) AS e ON e.learner_id = a.account_id
WHERE a.account_id IS NULL OR a.earned <> coalesce(e.earned, 0) OR a.spent <> coalesce(e.spent, 0)
    OR a.points <> coalesce(e.earned, 0) - coalesce(e.spent, 0) OR a.entries <> coalesce(e.entries, 0)
LIMIT $4;

-- name: running_balances
-- Entries whose number isn't the next one, or whose balance isn't that of the entry before plus their amount.
SELECT entry_id::text AS entry_id, learner_id::text AS learner_id, number, expected_number, balance_after, expected_balance
FROM (
    SELECT entry_id, learner_id, number, balance_after,
        row_number() OVER by_number AS expected_number,
        sum(CASE WHEN to_account = learner_id THEN amount ELSE -amount END) OVER by_number AS expected_balance
    FROM entries WHERE organisation_id = $1
    WINDOW by_number AS (PARTITION BY learner_id ORDER BY number)
) AS e
WHERE number <> expected_number OR balance_after <> expected_balance
LIMIT $2;

-- name: sum_of_accounts
-- What all accounts hold together, the organisation's own included; zero, since points only move.
SELECT
    (SELECT coalesce(sum(points), 0) FROM accounts WHERE organisation_id = $1 AND kind = 'learner')
    + (SELECT coalesce(sum(CASE WHEN to_account IN ($2, $3) THEN amount ELSE 0 END)
        - sum(CASE WHEN from_account IN ($2, $3) THEN amount ELSE 0 END), 0)
       FROM entries WHERE organisation_id = $1) AS total;

-- name: reversals
-- Reversals that don't undo exactly one entry of the same person and amount. After a merge the person's reversals
-- are entries of the account that stands for them.
SELECT r.entry_id::text AS entry_id, r.reverses::text AS reverses
FROM entries r
LEFT JOIN entries e ON e.organisation_id = $1 AND e.entry_id = r.reverses
LEFT JOIN accounts ra ON ra.organisation_id = $1 AND ra.account_id = r.learner_id
LEFT JOIN accounts ea ON ea.organisation_id = $1 AND ea.account_id = e.learner_id
WHERE r.organisation_id = $1 AND r.kind = 'reversal'
    AND (e.entry_id IS NULL OR e.kind NOT IN ('award', 'deduction') OR e.amount <> r.amount
         OR coalesce(ra.merged_into, r.learner_id) <> coalesce(ea.merged_into, e.learner_id)
         OR (r.to_account = r.learner_id) = (e.to_account = e.learner_id)
         OR CASE WHEN r.to_account = r.learner_id THEN r.from_account ELSE r.to_account END
            <> CASE WHEN e.to_account = e.learner_id THEN e.from_account ELSE e.to_account END)
LIMIT $2;

-- name: transfers
-- People whose merges took points from where they came without giving them back there, or the other way round.
SELECT learner_id::text AS learner_id, counterpart::text AS counterpart, total
FROM (
    SELECT coalesce(a.merged_into, e.learner_id) AS learner_id,
        CASE WHEN e.to_account = e.learner_id THEN e.from_account ELSE e.to_account END AS counterpart,
        sum(CASE WHEN e.to_account = e.learner_id THEN e.amount ELSE -e.amount END) AS total
    FROM entries e
    LEFT JOIN accounts a ON a.organisation_id = $1 AND a.account_id = e.learner_id
    WHERE e.organisation_id = $1 AND e.kind = 'transfer'
    GROUP BY 1, 2
) AS moved
WHERE total <> 0
LIMIT $2;

-- name: left_behind
-- Learners who were merged into others and still hold something, or of whom it isn't said everywhere.
SELECT l.learner_id::text AS learner_id
FROM learners l
JOIN accounts a ON a.organisation_id = $1 AND a.account_id = l.learner_id
WHERE l.organisation_id = $1 AND (l.merged_into IS NOT NULL OR a.merged_into IS NOT NULL)
    AND (l.merged_into IS DISTINCT FROM a.merged_into OR a.points <> 0 OR a.earned <> 0 OR a.spent <> 0
         OR EXISTS (SELECT 1 FROM learners o
                    WHERE o.organisation_id = $1 AND o.learner_id = l.merged_into AND o.merged_into IS NOT NULL)
         OR NOT EXISTS (SELECT 1 FROM learner_changes c WHERE c.organisation_id = $1 AND c.other_id = l.learner_id)
         OR EXISTS (SELECT 1 FROM identities i WHERE i.organisation_id = $1 AND i.learner_id = l.learner_id)
         OR EXISTS (SELECT 1 FROM events e WHERE e.organisation_id = $1 AND e.learner_id = l.learner_id)
         OR EXISTS (SELECT 1 FROM award_marks m WHERE m.organisation_id = $1 AND m.learner_id = l.learner_id)
         OR EXISTS (SELECT 1 FROM completions c WHERE c.organisation_id = $1 AND c.learner_id = l.learner_id))
LIMIT $2;

-- name: events_without_key
-- Events that no dedupe key leads to.
SELECT e.event_id::text AS event_id
FROM events e
WHERE e.organisation_id = $1
    AND NOT EXISTS (SELECT 1 FROM event_keys k WHERE k.organisation_id = $1 AND k.event_id = e.event_id)
LIMIT $2;

-- name: keys_shared
-- Events that more than one dedupe key leads to.
SELECT event_id::text AS event_id, count(*) AS keys
FROM event_keys WHERE organisation_id = $1 GROUP BY event_id HAVING count(*) > 1
LIMIT $2;

-- name: entries_without_decision
-- Standing awards by rules that no decision of their event names. One that was taken back may be named no more:
-- an event that is decided anew keeps its new decisions.
SELECT e.entry_id::text AS entry_id, e.event_id::text AS event_id
FROM entries e
LEFT JOIN events v ON v.organisation_id = $1 AND v.event_id = e.event_id
WHERE e.organisation_id = $1 AND e.kind = 'award' AND e.rule_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM entries r WHERE r.organisation_id = $1 AND r.reverses = e.entry_id)
    AND (v.event_id IS NULL OR NOT v.decisions @> jsonb_build_array(jsonb_build_object(
        'outcome', 'awarded', 'points', e.amount, 'rule_id', e.rule_id, 'rule_version', e.rule_version,
        'detail', jsonb_build_object('entry_id', e.entry_id::text))))
LIMIT $2;

-- name: marks_without_award
-- Things counted for awards that were reversed or never made.
SELECT m.award_id::text AS award_id, m.learner_id::text AS learner_id, m.rule_id, m.mark
FROM award_marks m
WHERE m.organisation_id = $1 AND m.points > 0
    AND (NOT EXISTS (SELECT 1 FROM entries e WHERE e.organisation_id = $1 AND e.entry_id = m.award_id)
         OR EXISTS (SELECT 1 FROM entries r WHERE r.organisation_id = $1 AND r.reverses = m.award_id))
LIMIT $2;

-- name: learners_after
-- Learners in the order of their ids, and whether they are anonymous.
SELECT l.organisation_id::text AS organisation_id, l.learner_id::text AS learner_id,
    l.status = 'anonymised' AS anonymised
FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id > $2 AND l.merged_into IS NULL
ORDER BY l.learner_id LIMIT $3;

-- name: learners_of
-- Those of these learners who weren't merged into others.
SELECT l.organisation_id::text AS organisation_id, l.learner_id::text AS learner_id,
    l.status = 'anonymised' AS anonymised
FROM learners l
WHERE l.organisation_id = $1 AND l.learner_id = ANY ($2::uuid[]) AND l.merged_into IS NULL
ORDER BY l.learner_id;

-- name: moment
-- The time of the database.
SELECT clock_timestamp();

-- name: changed_since
-- Who was merged or split since a time, by whichever server's clock: an hour more is looked at.
SELECT DISTINCT coalesce(l.merged_into, l.learner_id)::text AS learner_id
FROM learner_changes c
JOIN learners l ON l.organisation_id = c.organisation_id AND l.learner_id = c.learner_id
WHERE c.organisation_id = $1 AND c.action IN ('merged', 'split') AND c.changed_at >= $2::timestamptz - interval '1 hour'
ORDER BY 1;

-- name: merges_of
-- Merges that made learners who they are, in their order.
SELECT c.learner_id::text AS learner_id, c.other_id::text AS other_id, c.number
FROM learners l
JOIN learner_changes c ON c.organisation_id = $1 AND c.learner_id = l.learner_id AND c.action = 'merged'
WHERE l.organisation_id = $1 AND (l.learner_id = ANY ($2::uuid[]) OR l.merged_into = ANY ($2::uuid[]))
ORDER BY c.learner_id, c.number, c.change_id;

-- name: events_of
-- Events of learners that earned something or should say why not.
SELECT e.learner_id::text AS learner_id, e.event_id::text AS event_id, e.source, e.source_kind, e.event, e.user_id,
    e.occurred_at, e.properties, e.metadata, e.points_awarded, e.decisions
FROM events e
WHERE e.organisation_id = $1 AND e.learner_id = ANY ($2::uuid[])
ORDER BY e.learner_id, e.event_id;

-- name: entries_of
-- Awards by rules of learners and of those merged into them, to whom each was made, and whether it was reversed.
SELECT e.entry_id::text AS entry_id, e.learner_id::text AS made_to, e.number, e.amount, e.rule_id, e.rule_version,
    EXISTS (SELECT 1 FROM entries r WHERE r.organisation_id = $1 AND r.reverses = e.entry_id) AS reversed
FROM learners l
JOIN entries e ON e.organisation_id = $1 AND e.learner_id = l.learner_id
WHERE l.organisation_id = $1 AND (l.learner_id = ANY ($2::uuid[]) OR l.merged_into = ANY ($2::uuid[]))
    AND e.kind = 'award' AND e.rule_id IS NOT NULL;

-- name: marks_of
-- What live awards of learners count against.
SELECT m.learner_id::text AS learner_id, m.rule_id, m.award_id::text AS award_id, m.mark, m.occurred_at, m.points
FROM award_marks m
WHERE m.organisation_id = $1 AND m.learner_id = ANY ($2::uuid[]);
