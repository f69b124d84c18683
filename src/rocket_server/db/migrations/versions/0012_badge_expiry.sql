-- Badges that expire so many days after they were given. An award says itself when it ends, so that a changed badge
-- changes none that was given. `expired` is written when such a badge is given again; until then the time says it.
ALTER TABLE badges
    ADD COLUMN expires_after_days integer
        CONSTRAINT badge_expires_after_days CHECK (expires_after_days BETWEEN 1 AND 36500);
ALTER TABLE badge_awards
    ADD COLUMN expires_at timestamptz,
    DROP CONSTRAINT badge_award_status,
    ADD CONSTRAINT badge_award_status CHECK (status IN ('awarded', 'revoked', 'expired')) NOT VALID;
