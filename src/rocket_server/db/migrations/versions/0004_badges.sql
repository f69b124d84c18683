-- Badges: definitions with images and criteria, awards with a history, what criteria count, credentials.

-- The public name of an organisation as an issuer: in addresses that anybody may open, where its id doesn't
-- belong.
ALTER TABLE organisations
    ADD COLUMN issuer_id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT organisation_issuer_taken UNIQUE,
    ADD COLUMN issuer_profile jsonb NOT NULL DEFAULT '{}';

-- A deleted badge stays as a row: awards go on to say what they are for.
ALTER TABLE badges
    ADD COLUMN criteria_text text NOT NULL DEFAULT '' CONSTRAINT badge_criteria_text_length CHECK (length(criteria_text) <= 5000),
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN active boolean NOT NULL DEFAULT true,
    ADD COLUMN repeatable boolean NOT NULL DEFAULT false,
    ADD COLUMN criteria jsonb,
    ADD COLUMN image_id uuid,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT badge_criteria_give_once CHECK (NOT (repeatable AND criteria IS NOT NULL));

-- Images never change: a credential that shows one shows it for ever. A new image is a new row.
CREATE TABLE badge_images (
    organisation_id uuid NOT NULL,
    image_id        uuid NOT NULL DEFAULT gen_random_uuid(),
    badge_id        text NOT NULL,
    png             bytea NOT NULL CONSTRAINT badge_image_size CHECK (octet_length(png) <= 524288),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, image_id)
);

-- One row for each time that a badge was given. `public_id` is the address of its public page: random, while
-- `award_id` tells the time and is told to API callers only. `cause` says by what: a rule's award (`rule_award_id`
-- is that award's id, the entry's where there were points), criteria, or somebody by hand. `own_event_id` is the
-- event `badge.awarded` that it made.
ALTER TABLE badge_awards
    DROP CONSTRAINT badge_awards_pkey,
    ADD PRIMARY KEY (organisation_id, award_id),
    ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN status text NOT NULL DEFAULT 'awarded' CONSTRAINT badge_award_status CHECK (status IN ('awarded', 'revoked')),
    ADD COLUMN repeatable boolean NOT NULL DEFAULT false,
    ADD COLUMN cause text NOT NULL DEFAULT 'rule' CONSTRAINT badge_award_cause CHECK (cause IN ('rule', 'criteria', 'manual')),
    ADD COLUMN rule_award_id uuid,
    ADD COLUMN own_event_id uuid,
    ADD COLUMN actor text NOT NULL DEFAULT 'rules',
    ADD COLUMN metadata jsonb,
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN revoked_by text,
    ADD COLUMN revoked_reason text,
    ADD CONSTRAINT badge_award_public_id_taken UNIQUE (organisation_id, public_id),
    ADD CONSTRAINT badge_award_revoked CHECK ((status = 'revoked') = (revoked_at IS NOT NULL));
CREATE UNIQUE INDEX badge_held_once ON badge_awards (organisation_id, learner_id, badge_id)
    WHERE status = 'awarded' AND NOT repeatable;
CREATE INDEX badge_awards_by_learner ON badge_awards (organisation_id, learner_id, award_id);
CREATE INDEX badge_awards_by_event ON badge_awards (organisation_id, event_id) WHERE event_id IS NOT NULL;

-- What criteria have counted for a learner: an event, a module, a course. The row with mark '' says that what was
-- stored before the criteria were set has been counted too. `counter` names the question, so that a changed one
-- counts anew.
CREATE TABLE badge_marks (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    counter         text NOT NULL,
    mark            text NOT NULL,
    PRIMARY KEY (organisation_id, learner_id, counter, mark)
);

-- Awards by rules that gave a badge and are taken back with the completion, each as `event award rule` (ids, joined
-- by blanks).
ALTER TABLE completions ADD COLUMN badge_awards text[] NOT NULL DEFAULT '{}';

-- The keys that sign an organisation's credentials; one is current. `private_key` is sealed where the server has
-- a key for that (`sealed`). Retired keys go on signing the status lists of what they signed. `issued` counts the
-- credentials of a key: each has its place in the key's status lists.
CREATE TABLE issuer_keys (
    organisation_id uuid NOT NULL,
    key_id          uuid NOT NULL,
    did             text NOT NULL,
    private_key     bytea NOT NULL,
    sealed          boolean NOT NULL,
    issued          bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    retired_at      timestamptz,
    PRIMARY KEY (organisation_id, key_id)
);
CREATE UNIQUE INDEX issuer_key_current ON issuer_keys (organisation_id) WHERE retired_at IS NULL;

-- Signed credentials, made when they are first asked for.
CREATE TABLE badge_credentials (
    organisation_id uuid NOT NULL,
    award_id        uuid NOT NULL,
    key_id          uuid NOT NULL,
    status_index    bigint NOT NULL,
    learner_id      uuid NOT NULL,
    credential      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, award_id),
    CONSTRAINT badge_credential_place_taken UNIQUE (organisation_id, key_id, status_index)
);

GRANT SELECT, INSERT, DELETE ON badge_images, badge_marks TO rocket_app;
GRANT SELECT, INSERT, UPDATE ON issuer_keys TO rocket_app;
GRANT SELECT, INSERT, DELETE ON badge_credentials TO rocket_app;
