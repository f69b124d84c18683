-- Every act of a person, key or command. The server's role may only add and read: what was done stays written.
-- Ids are of version 7 and carry the time of the act, so that a list by time is a list by id.
CREATE TABLE audit (
    organisation_id uuid NOT NULL,
    audit_id        uuid NOT NULL,
    at              timestamptz NOT NULL,
    actor           text NOT NULL CONSTRAINT audit_actor_length CHECK (length(actor) BETWEEN 3 AND 300),
    actor_name      text NOT NULL,
    address         text,
    request_id      text,
    action          text NOT NULL CONSTRAINT audit_action_length CHECK (length(action) BETWEEN 3 AND 100),
    subject         text NOT NULL CONSTRAINT audit_subject_length CHECK (length(subject) BETWEEN 3 AND 400),
    before          jsonb CONSTRAINT audit_before_bounded CHECK (octet_length(before::text) <= 32768),
    after           jsonb CONSTRAINT audit_after_bounded CHECK (octet_length(after::text) <= 32768),
    PRIMARY KEY (organisation_id, audit_id)
);
-- One for each filter, and one for the two that are asked for together and may each fit most rows.
CREATE INDEX audit_by_actor ON audit (organisation_id, actor, audit_id);
CREATE INDEX audit_by_action ON audit (organisation_id, action, audit_id);
CREATE INDEX audit_by_actor_and_action ON audit (organisation_id, actor, action, audit_id);
CREATE INDEX audit_by_subject ON audit (organisation_id, subject, audit_id);
GRANT SELECT, INSERT ON audit TO rocket_app;
