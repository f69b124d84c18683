-- Who is told: endpoints with their secrets and state, the outbox, each try of it, and what has no event row.

-- A receiver. A webhook has a URL; a plugin hears the same events inside the worker, and its row stands for
-- it in one organisation, so that both share queue, retries, breaker and log.
CREATE TABLE endpoints (
    organisation_id uuid NOT NULL REFERENCES organisations,
    endpoint_id     uuid NOT NULL,
    kind            text NOT NULL CONSTRAINT endpoint_kind CHECK (kind IN ('webhook', 'plugin')),
    plugin_id       text,
    url             text CONSTRAINT endpoint_url_length CHECK (length(url) BETWEEN 1 AND 2000),
    description     text NOT NULL DEFAULT '' CONSTRAINT endpoint_description_length CHECK (length(description) <= 500),
    events          text[] NOT NULL CONSTRAINT endpoint_has_events CHECK (cardinality(events) > 0),
    filters         jsonb NOT NULL DEFAULT '{}',
    format          text NOT NULL DEFAULT 'rocket' CONSTRAINT endpoint_format CHECK (format IN ('rocket', 'assessment')),
    headers         jsonb NOT NULL DEFAULT '{}',
    timeout_ms      integer NOT NULL DEFAULT 10000 CONSTRAINT endpoint_timeout CHECK (timeout_ms BETWEEN 100 AND 60000),
    max_attempts    smallint NOT NULL DEFAULT 4 CONSTRAINT endpoint_attempts CHECK (max_attempts BETWEEN 1 AND 20),
    throttle_per_s  double precision CONSTRAINT endpoint_throttle CHECK (throttle_per_s BETWEEN 0.001 AND 10000),
    enabled         boolean NOT NULL DEFAULT true,
    -- Why it isn't enabled: `by_hand`, `gone` (it answered 410) or `failing` (for days).
    disabled_reason text CONSTRAINT endpoint_disabled_reason CHECK (disabled_reason IN ('by_hand', 'gone', 'failing')),
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, endpoint_id),
    CONSTRAINT endpoint_leads_somewhere CHECK ((kind = 'webhook') = (url IS NOT NULL) AND (kind = 'plugin') = (plugin_id IS NOT NULL)),
    CONSTRAINT endpoint_disabled_has_reason CHECK (enabled = (disabled_reason IS NULL))
);

-- A signature can only be made with the secret itself, so it is kept readable; only its creation shows it.
-- All that aren't retired sign.
CREATE TABLE endpoint_secrets (
    organisation_id uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    secret_id       uuid NOT NULL,
    secret          text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    retires_at      timestamptz,
    PRIMARY KEY (organisation_id, endpoint_id, secret_id)
);

-- What changes with every group of attempts, apart from what an administrator sets.
CREATE TABLE endpoint_states (
    organisation_id uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    breaker         text NOT NULL DEFAULT 'closed' CONSTRAINT endpoint_breaker CHECK (breaker IN ('closed', 'open', 'half_open')),
    failures        integer NOT NULL DEFAULT 0 CONSTRAINT endpoint_failures CHECK (failures >= 0),
    -- Nothing is claimed before: the end of an open breaker's time, or of a half-open one's lease.
    retry_at        timestamptz,
    failing_since   timestamptz,
    warned_at       timestamptz,
    -- The theoretical arrival time of GCRA, by which the throttle counts.
    throttle_at     timestamptz,
    PRIMARY KEY (organisation_id, endpoint_id)
) WITH (fillfactor = 50);

-- One event for one endpoint. The id is derived from both (see delivery/outbox.py), so that an event is told
-- to an endpoint under one id for ever, and the id's order is that of the events.
-- `attempts` counts claims and is the fencing token: who settles names the number that his claim was given.
-- `tries` counts what is taken from `max_attempts`; sending by hand sets it back to 0.
-- While a delivery is `leased`, `due_at` is the end of the lease.
-- `lost` counts the claims since the last result that nobody settled: their workers were lost.
CREATE TABLE deliveries (
    organisation_id uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    delivery_id     uuid NOT NULL,
    event_id        uuid NOT NULL,
    event           text NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CONSTRAINT delivery_status CHECK (status IN ('pending', 'delivered', 'exhausted')),
    due_at          timestamptz NOT NULL,
    leased          boolean NOT NULL DEFAULT false,
    attempts        integer NOT NULL DEFAULT 0 CONSTRAINT delivery_attempts_counted CHECK (attempts >= 0),
    tries           smallint NOT NULL DEFAULT 0 CONSTRAINT delivery_tries CHECK (tries >= 0),
    lost            smallint NOT NULL DEFAULT 0 CONSTRAINT delivery_lost CHECK (lost >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    settled_at      timestamptz,
    PRIMARY KEY (organisation_id, endpoint_id, delivery_id),
    CONSTRAINT delivery_leased_is_pending CHECK (status = 'pending' OR NOT leased)
) WITH (
    fillfactor = 70,
    -- Each delivery leaves dead places at the front of the index that is looked at first.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000
);
CREATE INDEX deliveries_due ON deliveries (organisation_id, endpoint_id, due_at) WHERE status = 'pending';
CREATE INDEX deliveries_exhausted ON deliveries (organisation_id, endpoint_id, delivery_id) WHERE status = 'exhausted';

-- Every attempt; a missing number is one whose worker was lost.
CREATE TABLE delivery_attempts (
    organisation_id uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    delivery_id     uuid NOT NULL,
    number          integer NOT NULL,
    started_at      timestamptz NOT NULL,
    duration_ms     integer NOT NULL,
    delivered       boolean NOT NULL,
    status          smallint,
    error           text,
    answer          text NOT NULL,
    next_at         timestamptz,
    next_reason     text NOT NULL,
    PRIMARY KEY (organisation_id, endpoint_id, delivery_id, number)
);

-- What is told and has no row in `events`: manual awards, and what happens to endpoints and deliveries.
CREATE TABLE messages (
    organisation_id uuid NOT NULL,
    event_id        uuid NOT NULL,
    event           text NOT NULL,
    body            jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, event_id)
);

-- What an endpoint missed, queued again a bounded piece at a time: everything between `since` and `until`
-- that wasn't delivered to it. `position` is the last event id that was looked at.
CREATE TABLE recoveries (
    organisation_id uuid NOT NULL,
    endpoint_id     uuid NOT NULL,
    recovery_id     uuid NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    position        uuid,
    queued          bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    PRIMARY KEY (organisation_id, endpoint_id, recovery_id)
);
CREATE UNIQUE INDEX recovery_running ON recoveries (organisation_id, endpoint_id) WHERE finished_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON endpoints, endpoint_secrets, endpoint_states, deliveries,
    delivery_attempts, messages, recoveries TO rocket_app;
