-- name: add
-- The acts of one transaction.
INSERT INTO audit (organisation_id, audit_id, at, actor, actor_name, address, request_id, action, subject, before, after)
SELECT $1, a.audit_id, a.at, $4, $5, $6, $7, a.action, a.subject, a.before, a.after
FROM unnest($2::uuid[], $3::timestamptz[], $8::text[], $9::text[], $10::jsonb[], $11::jsonb[])
    AS a (audit_id, at, action, subject, before, after);

-- name: page
-- Acts, the latest first. Ids of version 7 begin with the time of their making, which is the act's.
SELECT a.audit_id::text AS audit_id, a.at, a.actor, a.actor_name, a.address, a.request_id, a.action, a.subject, a.before,
    a.after
FROM audit a
WHERE a.organisation_id = $1
    AND ($2::uuid IS NULL OR a.audit_id < $2)
    AND ($3::text IS NULL OR a.actor = $3)
    AND ($4::text IS NULL OR a.action = $4)
    AND ($5::text[] IS NULL OR a.subject = ANY ($5))
    AND ($6::uuid IS NULL OR a.audit_id >= $6)
    AND ($7::uuid IS NULL OR a.audit_id < $7)
ORDER BY a.audit_id DESC
LIMIT $8;
