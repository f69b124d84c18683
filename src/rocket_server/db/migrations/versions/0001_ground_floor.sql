-- The ground floor: who sends, who learns, what happened, what it was worth.
--
-- Every table that grows begins its primary key and its unique constraints with organisation_id, so that
-- the same schema can be distributed by it. What is found by hash or by slug is a reference table.
-- Hot tables carry no foreign keys: each would add a look-up and a row lock per event; `rocket ledger verify`
-- checks the same relations for all rows at once.

CREATE TABLE tenants (
    tenant_id  text PRIMARY KEY CONSTRAINT tenant_id_length CHECK (length(tenant_id) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organisations (
    organisation_id uuid PRIMARY KEY,
    tenant_id       text NOT NULL REFERENCES tenants,
    name            text NOT NULL CONSTRAINT organisation_name_length CHECK (length(name) BETWEEN 1 AND 200),
    environment     text NOT NULL CONSTRAINT organisation_environment CHECK (environment IN ('production', 'staging')),
    timezone        text NOT NULL,
    unknown_learner text NOT NULL CONSTRAINT organisation_unknown_learner CHECK (unknown_learner IN ('create', 'hold', 'refuse')),
    weekly_goal     integer NOT NULL CONSTRAINT organisation_weekly_goal CHECK (weekly_goal BETWEEN 1 AND 1000000),
    -- Grows with every change of settings, keys, sources, rules or endpoints: processes compare it with
    -- what they remember, once per transaction, and read again when it differs.
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organisation_name_taken UNIQUE (tenant_id, name)
);

-- Keys: found by the SHA-256 of the key; organisation_id is null for a key of the whole tenant.
CREATE TABLE api_keys (
    key_hash        bytea PRIMARY KEY CONSTRAINT api_key_hash_length CHECK (octet_length(key_hash) = 32),
    key_id          uuid NOT NULL CONSTRAINT api_key_id_taken UNIQUE,
    tenant_id       text NOT NULL REFERENCES tenants,
    organisation_id uuid REFERENCES organisations,
    prefix          text NOT NULL,
    name            text NOT NULL,
    scopes          text[] NOT NULL CONSTRAINT api_key_has_scopes CHECK (cardinality(scopes) > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, organisation_id, key_id);

CREATE TABLE sources (
    organisation_id uuid NOT NULL REFERENCES organisations,
    source_id       uuid NOT NULL,
    kind            text NOT NULL,
    name            text NOT NULL CONSTRAINT source_name_form CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    slug            text NOT NULL,
    staff_ids       text[] NOT NULL,
    filters         jsonb NOT NULL,
    unknown_learner text CONSTRAINT source_unknown_learner CHECK (unknown_learner IN ('create', 'hold', 'refuse')),
    mappings        jsonb NOT NULL,
    allowed_cidrs   text[] NOT NULL,
    site            text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, source_id),
    CONSTRAINT source_name_taken UNIQUE (organisation_id, name)
);

-- Where a slug leads: globally unique, since the URL of a source that only signs has nothing else.
CREATE TABLE source_slugs (
    slug            text PRIMARY KEY,
    organisation_id uuid NOT NULL,
    source_id       uuid NOT NULL
);

CREATE TABLE source_tokens (
    token_hash      bytea PRIMARY KEY CONSTRAINT source_token_hash_length CHECK (octet_length(token_hash) = 32),
    credential_id   uuid NOT NULL CONSTRAINT source_token_id_taken UNIQUE,
    organisation_id uuid NOT NULL,
    source_id       uuid NOT NULL,
    prefix          text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);
CREATE INDEX source_tokens_by_source ON source_tokens (organisation_id, source_id);

-- A signature can only be checked with the secret itself, so this one is kept readable; no answer shows it.
CREATE TABLE source_hmac_secrets (
    organisation_id uuid NOT NULL,
    source_id       uuid NOT NULL,
    credential_id   uuid NOT NULL,
    secret          text NOT NULL CONSTRAINT source_hmac_secret_length CHECK (length(secret) BETWEEN 16 AND 500),
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz,
    PRIMARY KEY (organisation_id, source_id, credential_id)
);

-- One person. `user_id` is the identity under which the person was first seen.
CREATE TABLE learners (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    user_id         text NOT NULL,
    email           text,
    status          text NOT NULL DEFAULT 'active' CONSTRAINT learner_status CHECK (status IN ('active', 'suspended', 'anonymised')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, learner_id)
);
CREATE UNIQUE INDEX learner_email_taken ON learners (organisation_id, lower(email)) WHERE email IS NOT NULL;

CREATE TABLE identities (
    organisation_id uuid NOT NULL,
    identity        text NOT NULL CONSTRAINT identity_length CHECK (length(identity) BETWEEN 1 AND 400),
    learner_id      uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, identity)
);
CREATE INDEX identities_by_learner ON identities (organisation_id, learner_id);

-- Each learner's account, and each organisation's own (issuance, redemption). The balance of an own account
-- is what its entries add up to; keeping it in a row would make every transaction of an organisation wait for
-- that row. `entries` counts a learner's entries and numbers the next one.
CREATE TABLE accounts (
    organisation_id uuid NOT NULL,
    account_id      uuid NOT NULL,
    kind            text NOT NULL CONSTRAINT account_kind CHECK (kind IN ('learner', 'issuance', 'redemption')),
    points          bigint NOT NULL DEFAULT 0,
    earned          bigint NOT NULL DEFAULT 0,
    spent           bigint NOT NULL DEFAULT 0,
    entries         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organisation_id, account_id),
    CONSTRAINT account_adds_up CHECK (points = earned - spent),
    CONSTRAINT account_spent CHECK (spent >= 0)
) WITH (fillfactor = 80);

-- One movement of points. A row names the account it leaves, the account it reaches and a positive amount,
-- so the sum over all accounts is zero by construction. The server's role may only add rows.
CREATE TABLE entries (
    organisation_id uuid NOT NULL,
    entry_id        uuid NOT NULL,
    learner_id      uuid NOT NULL,
    number          bigint NOT NULL,
    kind            text NOT NULL CONSTRAINT entry_kind CHECK (kind IN ('award', 'deduction', 'reversal')),
    from_account    uuid NOT NULL,
    to_account      uuid NOT NULL,
    amount          bigint NOT NULL CONSTRAINT entry_amount CHECK (amount > 0),
    balance_after   bigint NOT NULL,
    reason          text,
    event_id        uuid,
    rule_id         text,
    rule_version    integer,
    reverses        uuid,
    actor           text NOT NULL,
    metadata        jsonb,
    occurred_at     timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, entry_id),
    CONSTRAINT entry_moves CHECK (from_account <> to_account),
    CONSTRAINT entry_of_its_learner CHECK (learner_id IN (from_account, to_account)),
    CONSTRAINT entry_reversal_names_entry CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
    -- Numbers of a learner's entries have no gap, so a lost row shows.
    CONSTRAINT entry_number_taken UNIQUE (organisation_id, learner_id, number)
);
CREATE UNIQUE INDEX entry_reversed_once ON entries (organisation_id, reverses) WHERE reverses IS NOT NULL;

CREATE TABLE idempotency_keys (
    organisation_id uuid NOT NULL,
    key             text NOT NULL CONSTRAINT idempotency_key_length CHECK (length(key) BETWEEN 1 AND 255),
    request_hash    bytea NOT NULL,
    response        jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, key)
);

-- Which events have been stored, for ever: outlives the events themselves.
CREATE TABLE event_keys (
    organisation_id uuid NOT NULL,
    dedupe_key      bytea NOT NULL,
    event_id        uuid NOT NULL,
    PRIMARY KEY (organisation_id, dedupe_key)
);

CREATE TABLE events (
    organisation_id uuid NOT NULL,
    event_id        uuid NOT NULL,
    source          text NOT NULL,
    source_kind     text NOT NULL,
    source_event_id text,
    event           text NOT NULL,
    user_id         text,
    learner_id      uuid,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    status          text NOT NULL CONSTRAINT event_status CHECK (status IN ('processed', 'ignored', 'held', 'failed')),
    reason          text,
    points_awarded  bigint NOT NULL,
    properties      jsonb NOT NULL,
    metadata        jsonb NOT NULL,
    decisions       jsonb NOT NULL,
    badges          text[],
    received        jsonb,
    PRIMARY KEY (organisation_id, event_id)
);
CREATE INDEX events_by_learner ON events (organisation_id, learner_id, event_id);
CREATE INDEX events_not_processed ON events (organisation_id, status, event_id) WHERE status <> 'processed';

-- What is counted against caps: one row for each live award and each thing its rule counts by (mark '' is
-- time). A reversal removes the rows, which frees what they had used.
CREATE TABLE award_marks (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    rule_id         text NOT NULL,
    mark            text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    award_id        uuid NOT NULL,
    points          bigint NOT NULL,
    PRIMARY KEY (organisation_id, learner_id, rule_id, mark, occurred_at, award_id)
);

-- The latest state of a module for a learner, by the time and number of the event that stated it, with the
-- entries that the completion earned.
CREATE TABLE completions (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    source          text NOT NULL,
    lesson_id       text NOT NULL,
    state           text NOT NULL CONSTRAINT completion_state CHECK (state IN ('completed', 'reopened')),
    occurred_at     timestamptz NOT NULL,
    sequence        bigint NOT NULL,
    event_id        uuid NOT NULL,
    entry_ids       uuid[] NOT NULL,
    PRIMARY KEY (organisation_id, learner_id, source, lesson_id)
);

CREATE TABLE rules (
    organisation_id uuid NOT NULL REFERENCES organisations,
    rule_id         text NOT NULL CONSTRAINT rule_id_length CHECK (length(rule_id) BETWEEN 1 AND 100),
    version         integer NOT NULL CONSTRAINT rule_version_from_one CHECK (version >= 1),
    definition      jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text NOT NULL,
    PRIMARY KEY (organisation_id, rule_id, version)
);

CREATE TABLE badges (
    organisation_id uuid NOT NULL REFERENCES organisations,
    badge_id        text NOT NULL CONSTRAINT badge_id_length CHECK (length(badge_id) BETWEEN 1 AND 100),
    name            text NOT NULL,
    description     text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, badge_id)
);

CREATE TABLE badge_awards (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    badge_id        text NOT NULL,
    award_id        uuid NOT NULL,
    event_id        uuid,
    rule_id         text,
    rule_version    integer,
    awarded_at      timestamptz NOT NULL,
    PRIMARY KEY (organisation_id, learner_id, badge_id)
);

-- The last requests of each source, refused ones included; trimmed by count and age.
CREATE TABLE request_log (
    organisation_id uuid NOT NULL,
    source_id       uuid NOT NULL,
    request_id      uuid NOT NULL,
    received_at     timestamptz NOT NULL,
    status          smallint NOT NULL,
    outcome         text NOT NULL,
    reason          text,
    address         text,
    content_type    text,
    event_id        uuid,
    body            text NOT NULL,
    PRIMARY KEY (organisation_id, source_id, request_id)
);

-- What the server's role may do. Entries and dedupe keys can only be added; of an event, only what a merge,
-- a release, a new decision or an anonymisation touches can change.
GRANT SELECT, INSERT ON tenants TO rocket_app;
GRANT SELECT, INSERT, UPDATE ON organisations, api_keys, sources, source_tokens, source_hmac_secrets, learners TO rocket_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON source_slugs, identities, completions, badges, badge_awards,
    request_log TO rocket_app;
GRANT SELECT, INSERT, UPDATE ON accounts, idempotency_keys TO rocket_app;
GRANT SELECT, INSERT ON entries, event_keys, rules TO rocket_app;
GRANT SELECT, INSERT, DELETE ON award_marks TO rocket_app;
GRANT SELECT, INSERT ON events TO rocket_app;
GRANT UPDATE (event, user_id, learner_id, status, reason, points_awarded, properties, metadata, decisions, badges, received)
    ON events TO rocket_app;
