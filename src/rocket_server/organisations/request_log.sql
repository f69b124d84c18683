-- name: page
-- A source's last requests, the latest first, below an id.
SELECT r.request_id::text AS request_id, r.received_at, r.status, r.outcome, r.reason, r.address, r.content_type,
    r.event_id::text AS event_id, r.body
FROM request_log r
WHERE r.organisation_id = $1 AND r.source_id = $2 AND ($3::uuid IS NULL OR r.request_id < $3)
ORDER BY r.request_id DESC LIMIT $4;

-- name: trim
-- Forgets of each source up to $4 requests: those before the id $2, and those beyond the last ones.
WITH old AS MATERIALIZED (
    SELECT s.source_id, o.request_id
    FROM sources s
    CROSS JOIN LATERAL (
        SELECT r.request_id FROM request_log r
        WHERE r.organisation_id = $1 AND r.source_id = s.source_id AND r.request_id < greatest($2::uuid, (
            SELECT k.request_id FROM request_log k
            WHERE k.organisation_id = $1 AND k.source_id = s.source_id
            ORDER BY k.request_id DESC OFFSET $3 LIMIT 1))
        ORDER BY r.request_id LIMIT $4
    ) AS o
    WHERE s.organisation_id = $1
), removed AS (
    DELETE FROM request_log r USING old
    WHERE r.organisation_id = $1 AND r.source_id = old.source_id AND r.request_id = old.request_id
    RETURNING r.source_id
)
SELECT count(*) AS removed FROM removed GROUP BY source_id;
