-- name: counts
-- How much there is to prove in one organisation.
SELECT (SELECT count(*) FROM entries WHERE organisation_id = $1) AS entries,
    (SELECT count(*) FROM events WHERE organisation_id = $1) AS events,
    (SELECT count(*) FROM learners WHERE organisation_id = $1) AS learners;
