-- Identities are kept in Unicode's form NFC, so that é in two forms is one learner. One whose NFC form is another's
-- stays as it is: two people may be meant, and `POST /v1/users/{id}/merge` makes them one.

UPDATE learners l SET user_id = f.form
FROM (
    SELECT organisation_id, identity, learner_id, normalize(identity, NFC) AS form,
        row_number() OVER (PARTITION BY organisation_id, normalize(identity, NFC) ORDER BY identity) AS nth
    FROM identities WHERE identity IS NOT NFC NORMALIZED
) AS f
WHERE l.organisation_id = f.organisation_id AND l.user_id = f.identity AND f.nth = 1
    AND f.learner_id = coalesce(l.merged_into, l.learner_id)
    AND NOT EXISTS (SELECT 1 FROM identities t WHERE t.organisation_id = f.organisation_id AND t.identity = f.form);

UPDATE identities i SET identity = f.form
FROM (
    SELECT organisation_id, identity, normalize(identity, NFC) AS form,
        row_number() OVER (PARTITION BY organisation_id, normalize(identity, NFC) ORDER BY identity) AS nth
    FROM identities WHERE identity IS NOT NFC NORMALIZED
) AS f
WHERE i.organisation_id = f.organisation_id AND i.identity = f.identity AND f.nth = 1
    AND NOT EXISTS (SELECT 1 FROM identities t WHERE t.organisation_id = f.organisation_id AND t.identity = f.form);

-- What waits for a learner is released by the form that an administrator's identity now has.
UPDATE events SET user_id = normalize(user_id, NFC) WHERE status = 'held' AND user_id IS NOT NFC NORMALIZED;
