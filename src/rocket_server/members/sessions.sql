-- name: add
-- Somebody is signed in from now on.
INSERT INTO member_sessions (session_hash, session_id, member_id, organisation_id, awaits_code, by_link, address, browser,
    created_at, seen_at, ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10);

-- name: visit
-- Who shows this, where they are signed in and may be.
SELECT m.member_id::text AS member_id, m.organisation_id::text AS organisation_id, m.role, m.email, m.name, m.language,
    m.password_hash IS NOT NULL AS has_password, m.code_secret IS NOT NULL AS has_code, m.disabled_at,
    m.created_at,
    s.session_id::text AS session_id, s.organisation_id::text AS seen_organisation, o.name AS organisation_name,
    s.awaits_code, s.by_link, s.address, s.browser, s.created_at AS begun_at, s.seen_at, s.ends_at
FROM member_sessions s
JOIN members m ON m.member_id = s.member_id AND m.disabled_at IS NULL
    AND (m.organisation_id IS NULL OR m.organisation_id = s.organisation_id)
LEFT JOIN organisations o ON o.organisation_id = s.organisation_id
WHERE s.session_hash = $1 AND s.ends_at > $2 AND s.seen_at > $3;

-- name: seen
-- Somebody was here.
UPDATE member_sessions SET seen_at = $2 WHERE session_id = $1;

-- name: renew
-- The same session under another secret: who had the old one is out.
UPDATE member_sessions SET session_hash = $2, awaits_code = $3, by_link = $4 WHERE session_id = $1 RETURNING session_id;

-- name: look_at
-- A session looks at another organisation.
UPDATE member_sessions SET organisation_id = $2 WHERE session_id = $1;

-- name: of_member
-- Where a member is signed in, the latest first.
SELECT s.session_id::text AS session_id, s.organisation_id::text AS organisation_id, NULL AS organisation_name,
    s.awaits_code, s.by_link, s.address, s.browser, s.created_at, s.seen_at, s.ends_at
FROM member_sessions s
WHERE s.member_id = $1 AND s.ends_at > $2 AND s.seen_at > $3 AND NOT s.awaits_code
ORDER BY s.session_id DESC LIMIT $4;

-- name: end
-- One session of a member ends.
DELETE FROM member_sessions WHERE member_id = $1 AND session_id = $2 RETURNING session_id;

-- name: end_all
-- All sessions of a member end, but for one.
DELETE FROM member_sessions WHERE member_id = $1 AND ($2::uuid IS NULL OR session_id <> $2) RETURNING session_id;

-- name: tidy
-- Sessions of a member that are over, and the oldest beyond so many.
DELETE FROM member_sessions s
WHERE s.member_id = $1 AND (s.ends_at <= $2 OR s.seen_at <= $3 OR s.session_id IN (
    SELECT o.session_id FROM member_sessions o WHERE o.member_id = $1 ORDER BY o.session_id DESC OFFSET $4));

-- name: browser
-- Which known browser of a member this is.
SELECT browser_id::text FROM member_browsers WHERE browser_hash = $1 AND member_id = $2;

-- name: add_browser
-- A browser in which a member has signed in.
INSERT INTO member_browsers (browser_hash, browser_id, member_id, used_at) VALUES ($1, $2, $3, $4);

-- name: browser_used
-- A known browser was used again.
UPDATE member_browsers SET used_at = $2 WHERE browser_id = $1;

-- name: tidy_browsers
-- The browsers that were used longest ago, beyond so many.
DELETE FROM member_browsers b WHERE b.member_id = $1 AND b.browser_id IN (
    SELECT o.browser_id FROM member_browsers o WHERE o.member_id = $1 ORDER BY o.used_at DESC OFFSET $2);

-- name: forget_browsers
-- No browser of a member is known any more.
DELETE FROM member_browsers WHERE member_id = $1;
