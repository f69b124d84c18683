-- name: page
-- A source's last requests, the latest first, below an id.
SELECT r.request_id::text AS request_id, r.received_at, r.status, r.outcome, r.reason, r.address, r.content_type,
    r.event_id::text AS event_id, r.body
FROM request_log r
WHERE r.organisation_id = $1 AND r.source_id = $2 AND ($3::uuid IS NULL OR r.request_id < $3)
ORDER BY r.request_id DESC LIMIT $4;

-- name: trim
-- Forgets a source's requests beyond the last ones.
DELETE FROM request_log r
WHERE r.organisation_id = $1 AND r.source_id = $2 AND r.request_id < (
    SELECT k.request_id FROM request_log k
    WHERE k.organisation_id = $1 AND k.source_id = $2
    ORDER BY k.request_id DESC OFFSET $3 LIMIT 1);
