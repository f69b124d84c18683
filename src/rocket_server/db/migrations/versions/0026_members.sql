-- People who sign in to the console. They are few, and found by their address or by the hash of what a browser shows
-- before anybody knows whose they are: reference tables, like keys. organisation_id is null for a super_admin, who
-- may do everything in every organisation, and for nobody else. An address is one person's in the whole installation.
CREATE TABLE members (
    member_id       uuid PRIMARY KEY,
    organisation_id uuid REFERENCES organisations,
    role            text NOT NULL CONSTRAINT member_role CHECK (role IN ('super_admin', 'admin', 'instructor', 'viewer')),
    email           text CONSTRAINT member_email_length CHECK (length(email) BETWEEN 3 AND 254),
    name            text NOT NULL CONSTRAINT member_name_length CHECK (length(name) <= 200),
    language        text CONSTRAINT member_language_length CHECK (length(language) BETWEEN 2 AND 20),
    password_hash   text,
    code_secret     bytea,    -- of the second factor; encrypted where the operator has given a key for that
    code_sealed     boolean,
    code_step       bigint,   -- the last thirty seconds whose code was used: none is good twice
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT member_of_one_or_all CHECK ((role = 'super_admin') = (organisation_id IS NULL)),
    CONSTRAINT member_signs_in_by_email CHECK (password_hash IS NULL OR email IS NOT NULL),
    CONSTRAINT member_code_whole CHECK ((code_secret IS NULL) = (code_sealed IS NULL))
);
CREATE UNIQUE INDEX member_email_taken ON members (lower(email));
CREATE INDEX members_by_organisation ON members (organisation_id, member_id);

-- Where somebody is signed in. Only the SHA-256 of what the browser holds is kept. organisation_id is the
-- organisation that is looked at: a super_admin chooses, and before there is one there is none.
CREATE TABLE member_sessions (
    session_hash    bytea PRIMARY KEY CONSTRAINT member_session_hash_length CHECK (octet_length(session_hash) = 32),
    session_id      uuid NOT NULL CONSTRAINT member_session_id_taken UNIQUE,
    member_id       uuid NOT NULL REFERENCES members,
    organisation_id uuid REFERENCES organisations,
    awaits_code     boolean NOT NULL,
    by_link         boolean NOT NULL,
    address         text,
    browser         text NOT NULL CONSTRAINT member_session_browser_length CHECK (length(browser) <= 200),
    created_at      timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL
);
CREATE INDEX member_sessions_by_member ON member_sessions (member_id, session_id);

-- Browsers in which somebody has signed in before: failures of others don't count against them.
CREATE TABLE member_browsers (
    browser_hash    bytea PRIMARY KEY CONSTRAINT member_browser_hash_length CHECK (octet_length(browser_hash) = 32),
    browser_id      uuid NOT NULL CONSTRAINT member_browser_id_taken UNIQUE,
    member_id       uuid NOT NULL REFERENCES members,
    used_at         timestamptz NOT NULL
);
CREATE INDEX member_browsers_by_member ON member_browsers (member_id, used_at);

-- Links that sign in once. A new one for the same person takes the place of the one before.
CREATE TABLE member_links (
    member_id       uuid PRIMARY KEY REFERENCES members,
    link_hash       bytea NOT NULL CONSTRAINT member_link_taken UNIQUE,
    kind            text NOT NULL CONSTRAINT member_link_kind CHECK (kind IN ('first', 'invitation', 'reset')),
    ends_at         timestamptz NOT NULL
);

-- Codes that stand in for a lost second factor, each once.
CREATE TABLE member_recovery_codes (
    member_id       uuid NOT NULL REFERENCES members,
    code_hash       bytea NOT NULL,
    PRIMARY KEY (member_id, code_hash)
);

-- Failed sign-ins by what they are counted for: an address (as its hash), a network, a browser, a second factor.
CREATE TABLE sign_in_failures (
    counted         text PRIMARY KEY CONSTRAINT sign_in_counted_length CHECK (length(counted) BETWEEN 3 AND 100),
    failures        integer NOT NULL,
    failed_at       timestamptz NOT NULL,
    waits_until     timestamptz
);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (failed_at);

GRANT SELECT, INSERT, UPDATE ON members TO rocket_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON member_sessions, member_browsers, member_links, member_recovery_codes,
    sign_in_failures TO rocket_app;
