-- Whether it was told that an award's time is over. What had expired before isn't told: it would be old news.
ALTER TABLE badge_awards ADD COLUMN expiry_told boolean NOT NULL DEFAULT false;
UPDATE badge_awards SET expiry_told = true WHERE expires_at <= now();
-- Those that are still to be told, the first one first: few of all awards, and few of these are due.
CREATE INDEX badge_awards_expiring ON badge_awards (expires_at, organisation_id)
    WHERE expires_at IS NOT NULL AND NOT expiry_told;
