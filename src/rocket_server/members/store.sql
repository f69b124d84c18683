-- name: add
-- A new member.
INSERT INTO members (member_id, organisation_id, role, email, name, password_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: read
-- A member.
SELECT member_id::text AS member_id, organisation_id::text AS organisation_id, role, email, name, language,
    password_hash IS NOT NULL AS has_password, code_secret IS NOT NULL AS has_code, disabled_at, created_at
FROM members WHERE member_id = $1;

-- name: lock
-- Makes those who change a member follow one another.
SELECT 1 FROM members WHERE member_id = $1 FOR NO KEY UPDATE;

-- name: page
-- The members of an organisation, or where it is null those of all, in the order of their making.
SELECT member_id::text AS member_id, organisation_id::text AS organisation_id, role, email, name, language,
    password_hash IS NOT NULL AS has_password, code_secret IS NOT NULL AS has_code, disabled_at, created_at
FROM members
WHERE organisation_id IS NOT DISTINCT FROM $1::uuid AND ($2::uuid IS NULL OR member_id > $2)
ORDER BY member_id LIMIT $3;

-- name: find
-- Whose address this is, with the hash of the password.
SELECT member_id::text AS member_id, password_hash, disabled_at FROM members WHERE lower(email) = lower($1);

-- name: password_hash
-- What is kept of a member's password.
SELECT password_hash FROM members WHERE member_id = $1;

-- name: set_password
-- A member's new password.
UPDATE members SET password_hash = $2 WHERE member_id = $1;

-- name: change
-- Who a member is, what they may do, and whether they may sign in.
UPDATE members SET role = $2, email = $3, name = $4, language = $5, disabled_at = $6 WHERE member_id = $1;

-- name: code_secret
-- The secret of a member's second factor.
SELECT code_secret, code_sealed FROM members WHERE member_id = $1 AND code_secret IS NOT NULL;

-- name: set_code_secret
-- A member's second factor, or none.
UPDATE members SET code_secret = $2, code_sealed = $3, code_step = $4 WHERE member_id = $1;

-- name: use_code
-- Takes the code of a step that comes after the last one that was used.
UPDATE members SET code_step = $2 WHERE member_id = $1 AND (code_step IS NULL OR code_step < $2) RETURNING member_id;

-- name: forget_recovery_codes
-- No recovery code of a member is good any more.
DELETE FROM member_recovery_codes WHERE member_id = $1;

-- name: add_recovery_codes
-- Recovery codes for a member.
INSERT INTO member_recovery_codes (member_id, code_hash) SELECT $1, unnest($2::bytea[]);

-- name: use_recovery_code
-- Takes a recovery code, once.
DELETE FROM member_recovery_codes WHERE member_id = $1 AND code_hash = $2 RETURNING member_id;

-- name: recovery_codes_left
-- How many recovery codes are left.
SELECT count(*) FROM member_recovery_codes WHERE member_id = $1;

-- name: put_link
-- The link by which a member signs in once; the one before is void.
INSERT INTO member_links (member_id, link_hash, kind, ends_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (member_id) DO UPDATE SET link_hash = excluded.link_hash, kind = excluded.kind, ends_at = excluded.ends_at;

-- name: link
-- Whom a link lets in, unless it has ended.
SELECT l.member_id::text AS member_id, l.kind FROM member_links l
JOIN members m ON m.member_id = l.member_id AND m.disabled_at IS NULL
WHERE l.link_hash = $1 AND l.ends_at > now();

-- name: use_link
-- Takes a link, once.
DELETE FROM member_links WHERE link_hash = $1 AND ends_at > now() RETURNING member_id::text, kind;

-- name: forget_link
-- A member's link is good no more.
DELETE FROM member_links WHERE member_id = $1;

-- name: first
-- The first member of the installation, if any.
SELECT member_id::text AS member_id, email, password_hash IS NOT NULL AS has_password
FROM members ORDER BY member_id LIMIT 1;

-- name: is_organisation
-- Whether there is such an organisation.
SELECT name FROM organisations WHERE organisation_id = $1;

-- name: first_organisation
-- The organisation that was made first.
SELECT organisation_id::text FROM organisations ORDER BY organisation_id LIMIT 1;

-- name: organisations
-- Organisations by name, behind one.
SELECT organisation_id::text AS organisation_id, name, tenant_id, environment FROM organisations
WHERE organisation_id > $1 ORDER BY organisation_id LIMIT $2;
