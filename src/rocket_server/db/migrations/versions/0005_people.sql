-- People: what is known of them, two that turn out to be one, and how somebody is forgotten.

-- `merged_into` is the learner who this one turned out to be; always the last of a chain, never a link of it.
ALTER TABLE learners
    ADD COLUMN name text CONSTRAINT learner_name_length CHECK (length(name) BETWEEN 1 AND 200),
    ADD COLUMN weekly_goal integer CONSTRAINT learner_weekly_goal CHECK (weekly_goal BETWEEN 1 AND 1000000),
    ADD COLUMN metadata jsonb,
    ADD COLUMN merged_into uuid CONSTRAINT learner_merged_into_another CHECK (merged_into <> learner_id);
CREATE INDEX learners_merged ON learners (organisation_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX learners_not_active ON learners (organisation_id, status, learner_id) WHERE status <> 'active';
-- What a person types is the beginning of a name, an address or an id.
CREATE INDEX learners_by_name ON learners (organisation_id, lower(name) text_pattern_ops) WHERE name IS NOT NULL;
CREATE INDEX learners_by_email ON learners (organisation_id, lower(email) text_pattern_ops) WHERE email IS NOT NULL;

-- `merged_from` is the learner whose identity it was, where a merge brought it.
ALTER TABLE identities ADD COLUMN merged_from uuid;
CREATE INDEX identities_by_beginning ON identities (organisation_id, lower(identity) text_pattern_ops);

-- Repeated here, because it is read under the account's lock: who waited for a merge, or for somebody to be
-- forgotten, sees it there.
ALTER TABLE accounts
    ADD COLUMN merged_into uuid
        CONSTRAINT account_merged_is_empty CHECK (merged_into IS NULL OR (earned = 0 AND spent = 0)),
    ADD COLUMN anonymised boolean NOT NULL DEFAULT false;
CREATE INDEX accounts_merged ON accounts (organisation_id, merged_into) WHERE merged_into IS NOT NULL;

-- A transfer takes what one account holds back to where it came from, and gives it to another account.
ALTER TABLE entries DROP CONSTRAINT entry_kind;
ALTER TABLE entries ADD CONSTRAINT entry_kind CHECK (kind IN ('award', 'deduction', 'reversal', 'transfer'));

-- What a person wrote about an entry. It may name somebody, and entries can't be changed: so it stands apart.
CREATE TABLE entry_notes (
    organisation_id uuid NOT NULL,
    entry_id        uuid NOT NULL,
    learner_id      uuid NOT NULL,
    reason          text,
    metadata        jsonb,
    PRIMARY KEY (organisation_id, entry_id)
);
CREATE INDEX entry_notes_by_learner ON entry_notes (organisation_id, learner_id);
INSERT INTO entry_notes (organisation_id, entry_id, learner_id, reason, metadata)
SELECT organisation_id, entry_id, learner_id, reason, metadata
FROM entries WHERE rule_id IS NULL AND (reason IS NOT NULL OR metadata IS NOT NULL);
UPDATE entries SET reason = NULL, metadata = NULL
WHERE rule_id IS NULL AND (reason IS NOT NULL OR metadata IS NOT NULL);

-- Who did what with a person. `other_id` is who was merged into the learner; `number` is then the learner's last
-- entry of that merge, by which `rocket ledger verify` knows what was decided before it and after it.
CREATE TABLE learner_changes (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    change_id       uuid NOT NULL,
    action          text NOT NULL CONSTRAINT learner_change_action
        CHECK (action IN ('created', 'changed', 'suspended', 'activated', 'merged', 'anonymised')),
    actor           text NOT NULL,
    other_id        uuid,
    number          bigint,
    detail          jsonb NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (organisation_id, learner_id, change_id),
    CONSTRAINT learner_change_of_merge CHECK ((action = 'merged') = (other_id IS NOT NULL AND number IS NOT NULL))
);
CREATE UNIQUE INDEX learner_merged_once ON learner_changes (organisation_id, other_id) WHERE other_id IS NOT NULL;

-- Somebody whose traces in what is about others are still looked for, a piece of a table at a time. `needles` are
-- gone when all is looked through; the message that tells receivers whom to forget, when it was delivered.
CREATE TABLE erasures (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    needles         text[] NOT NULL,
    phase           text NOT NULL DEFAULT 'events'
        CONSTRAINT erasure_phase CHECK (phase IN ('events', 'messages', 'notes', 'told')),
    position        uuid,
    message_id      uuid,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organisation_id, learner_id),
    CONSTRAINT erasure_forgets CHECK (needles = '{}' OR phase <> 'told'),
    CONSTRAINT erasure_finished_at_the_end CHECK (finished_at IS NULL OR phase = 'told')
);
CREATE INDEX erasures_running ON erasures (started_at) WHERE finished_at IS NULL;

-- What an organisation calls its ranks, from how many weeks on, and what they are good for; null: as delivered.
-- So many weeks in a row may miss the goal without ending a streak.
ALTER TABLE organisations
    ADD COLUMN ranks jsonb,
    ADD COLUMN grace_weeks smallint NOT NULL DEFAULT 0
        CONSTRAINT organisation_grace_weeks CHECK (grace_weeks BETWEEN 0 AND 4);

-- The rank that each learner was last seen to have, so that a change of it can be told. `looks_again_at` is when
-- the streak may end by itself: the next Monday, while there is one.
CREATE TABLE learner_ranks (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    rank            text NOT NULL,
    streak_weeks    integer NOT NULL,
    looks_again_at  timestamptz,
    PRIMARY KEY (organisation_id, learner_id)
) WITH (fillfactor = 80);
CREATE INDEX learner_ranks_due ON learner_ranks (organisation_id, looks_again_at) WHERE looks_again_at IS NOT NULL;

-- Up to which entry ranks were looked at.
CREATE TABLE rank_states (
    organisation_id uuid PRIMARY KEY REFERENCES organisations,
    position        uuid NOT NULL
);

CREATE INDEX events_held ON events (organisation_id, user_id, event_id) WHERE status = 'held';
CREATE INDEX messages_by_user ON messages (organisation_id, (body ->> 'user_id'));

GRANT SELECT, INSERT, UPDATE, DELETE ON entry_notes, erasures, learner_ranks, rank_states TO rocket_app;
GRANT SELECT, INSERT ON learner_changes TO rocket_app;
GRANT UPDATE (learner_id) ON award_marks TO rocket_app;
GRANT UPDATE (source_event_id) ON events TO rocket_app;
