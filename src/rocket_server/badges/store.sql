-- name: define
-- Badge definitions; those that exist stay as they are.
INSERT INTO badges (organisation_id, badge_id, name, description)
SELECT $1, b.badge_id, b.name, b.description
FROM unnest($2::text[], $3::text[], $4::text[]) AS b (badge_id, name, description)
ON CONFLICT DO NOTHING;

-- name: all
-- Every badge that wasn't deleted.
SELECT b.badge_id, b.name, b.description, b.criteria_text, b.tags, b.active, b.repeatable, b.criteria,
    b.expires_after_days, b.image_id::text AS image_id
FROM badges b WHERE b.organisation_id = $1 AND b.deleted_at IS NULL;

-- name: count
-- How many badges an organisation has.
SELECT count(*) FROM badges WHERE organisation_id = $1 AND deleted_at IS NULL;

-- name: count_images
-- How many images an organisation has.
SELECT count(*) FROM badge_images WHERE organisation_id = $1;

-- name: page
-- Badges in the order of their ids, above one.
SELECT b.badge_id, b.name, b.description, b.criteria_text, b.tags, b.active, b.repeatable, b.criteria,
    b.expires_after_days, b.image_id::text AS image_id, b.created_at, b.updated_at
FROM badges b
WHERE b.organisation_id = $1 AND b.deleted_at IS NULL AND b.badge_id > $2
ORDER BY b.badge_id
LIMIT $3;

-- name: show
-- One badge that wasn't deleted.
SELECT b.badge_id, b.name, b.description, b.criteria_text, b.tags, b.active, b.repeatable, b.criteria,
    b.expires_after_days, b.image_id::text AS image_id, b.created_at, b.updated_at
FROM badges b WHERE b.organisation_id = $1 AND b.badge_id = $2 AND b.deleted_at IS NULL;

-- name: create
-- A new badge; the id of a deleted one may be used again. Nothing where there is one of that id.
INSERT INTO badges AS b (
    organisation_id, badge_id, name, description, criteria_text, tags, active, repeatable, criteria, expires_after_days,
    image_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (organisation_id, badge_id) DO UPDATE
SET name = excluded.name, description = excluded.description, criteria_text = excluded.criteria_text,
    tags = excluded.tags, active = excluded.active, repeatable = excluded.repeatable,
    criteria = excluded.criteria, expires_after_days = excluded.expires_after_days, image_id = excluded.image_id, created_at = now(), updated_at = now(),
    deleted_at = NULL
WHERE b.deleted_at IS NOT NULL
RETURNING b.badge_id;

-- name: change
-- A badge's definition, whole; the image stays where $12 says so.
UPDATE badges b
SET name = $3, description = $4, criteria_text = $5, tags = $6, active = $7, repeatable = $8, criteria = $9,
    expires_after_days = $10, image_id = CASE WHEN $12 THEN b.image_id ELSE $11::uuid END, updated_at = now()
WHERE b.organisation_id = $1 AND b.badge_id = $2 AND b.deleted_at IS NULL
RETURNING b.badge_id;

-- name: delete
-- Takes a badge out of use; its awards stay.
UPDATE badges SET deleted_at = now(), updated_at = now()
WHERE organisation_id = $1 AND badge_id = $2 AND deleted_at IS NULL
RETURNING badge_id;

-- name: add_image
-- A new image.
INSERT INTO badge_images (organisation_id, badge_id, png) VALUES ($1, $2, $3) RETURNING image_id::text;

-- name: image
-- An image by the issuer's and its own public id.
SELECT i.png FROM organisations o
JOIN badge_images i ON i.organisation_id = o.organisation_id
WHERE o.issuer_id = $1 AND i.image_id = $2;

-- name: issuer_id
-- An organisation's public name as an issuer.
SELECT issuer_id::text FROM organisations WHERE organisation_id = $1;
