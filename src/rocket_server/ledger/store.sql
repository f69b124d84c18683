-- name: lock
-- Accounts of learners, locked in one order for all who do this at once.
SELECT a.account_id::text AS learner_id, a.points, a.earned, a.spent, a.entries,
    a.merged_into IS NOT NULL AS merged, a.anonymised
FROM accounts a
WHERE a.organisation_id = $1 AND a.account_id = ANY ($2::uuid[])
ORDER BY a.account_id
FOR NO KEY UPDATE;

-- name: read
-- One learner's account, not locked.
SELECT points, earned, spent, entries FROM accounts WHERE organisation_id = $1 AND account_id = $2;

-- name: write_accounts
-- New balances of locked accounts. An upsert, because it finds each row by the key's index whatever the planner
-- believes of the table's size.
INSERT INTO accounts (organisation_id, account_id, kind, points, earned, spent, entries)
SELECT $1, changed.account_id, 'learner', changed.points, changed.earned, changed.spent, changed.entries
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS changed (account_id, points, earned, spent, entries)
ON CONFLICT (organisation_id, account_id) DO UPDATE
SET points = excluded.points, earned = excluded.earned, spent = excluded.spent, entries = excluded.entries;

-- name: balances
-- The points of learners.
SELECT a.account_id::text, a.points FROM accounts a WHERE a.organisation_id = $1 AND a.account_id = ANY ($2::uuid[]);

-- name: mark_merged
-- Says of an account and of those that were merged into it before, which one stands for them.
UPDATE accounts SET merged_into = $3
WHERE organisation_id = $1 AND (account_id = $2 OR merged_into = $2);

-- name: mark_anonymised
-- Says of a locked account that nobody is known behind it any more.
UPDATE accounts SET anonymised = true WHERE organisation_id = $1 AND account_id = $2;

-- name: forget_notes
-- Removes what people wrote about entries of learners.
DELETE FROM entry_notes WHERE organisation_id = $1 AND learner_id = ANY ($2::uuid[]);

-- name: has_merged
-- Whether an account stands for others that were merged into it.
SELECT EXISTS (SELECT 1 FROM accounts a WHERE a.organisation_id = $1 AND a.merged_into = $2);

-- name: find_entries
-- Entries by id, who their learner is after all merges, and whether each has been reversed.
SELECT e.entry_id::text AS entry_id,
    coalesce((
        SELECT a.merged_into FROM accounts a
        WHERE a.organisation_id = $1 AND a.account_id = e.learner_id
    ), e.learner_id)::text AS learner_id,
    e.kind, e.amount, e.rule_id, e.rule_version,
    EXISTS (
        SELECT 1 FROM entries r WHERE r.organisation_id = $1 AND r.reverses = e.entry_id
    ) AS reversed
FROM entries e
WHERE e.organisation_id = $1 AND e.entry_id = ANY ($2::uuid[]);

-- name: history
-- A learner's entries, the latest first, below a number.
SELECT e.entry_id::text AS entry_id, e.number, e.kind, e.amount, (e.to_account = e.learner_id) AS incoming,
    e.balance_after, coalesce(e.reason, n.reason) AS reason, e.event_id::text AS event_id, e.rule_id,
    e.rule_version, e.reverses::text AS reverses, e.actor, coalesce(e.metadata, n.metadata) AS metadata, e.occurred_at, e.created_at
FROM entries e
LEFT JOIN entry_notes n ON n.organisation_id = $1 AND n.entry_id = e.entry_id
WHERE e.organisation_id = $1 AND e.learner_id = $2 AND e.number < $3
ORDER BY e.number DESC
LIMIT $4;

-- name: joint_history
-- Entries of a learner and of all who were merged into them, the latest first, below an entry.
SELECT e.entry_id::text AS entry_id, e.number, e.kind, e.amount, (e.to_account = e.learner_id) AS incoming,
    e.balance_after, coalesce(e.reason, n.reason) AS reason, e.event_id::text AS event_id, e.rule_id,
    e.rule_version, e.reverses::text AS reverses, e.actor, coalesce(e.metadata, n.metadata) AS metadata, e.occurred_at, e.created_at
FROM (
    SELECT $2::uuid AS account_id
    UNION ALL SELECT a.account_id FROM accounts a WHERE a.organisation_id = $1 AND a.merged_into = $2
) AS one
JOIN entries e ON e.organisation_id = $1 AND e.learner_id = one.account_id
LEFT JOIN entry_notes n ON n.organisation_id = $1 AND n.entry_id = e.entry_id
WHERE $3::uuid IS NULL OR (e.created_at, e.number, e.entry_id) < (
    SELECT b.created_at, b.number, b.entry_id FROM entries b WHERE b.organisation_id = $1 AND b.entry_id = $3)
ORDER BY e.created_at DESC, e.number DESC, e.entry_id DESC
LIMIT $4;
