-- A recovery begins once the transactions have ended that ran when it was asked for (`waits_for`, as virtual
-- transaction ids): they may have begun before the endpoint was enabled, and store events that it missed. With
-- `up_to_now` it takes whatever there is; `until` is then when it was asked for.
ALTER TABLE recoveries
    ADD COLUMN waits_for text[] NOT NULL DEFAULT '{}',
    ADD COLUMN up_to_now boolean NOT NULL DEFAULT false;
