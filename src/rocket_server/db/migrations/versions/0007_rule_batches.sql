-- Awards that rules gave to the past: each run is a batch, which can be resumed and undone as a whole.

CREATE TABLE rule_batches (
    organisation_id uuid NOT NULL REFERENCES organisations,
    batch_id        uuid NOT NULL,
    status          text NOT NULL CONSTRAINT rule_batch_status CHECK (status IN ('applying', 'applied', 'undoing', 'undone')),
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    -- The rules that were applied, and their versions: {"rule_id": version}.
    rules           jsonb NOT NULL,
    entries         bigint NOT NULL DEFAULT 0,
    points          bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (organisation_id, batch_id),
    CONSTRAINT rule_batch_ends_after_start CHECK (until >= since)
);
-- One at a time: a second would be judged while the first still changes what it counts.
CREATE UNIQUE INDEX rule_batch_unfinished ON rule_batches (organisation_id) WHERE status IN ('applying', 'undoing');

CREATE TABLE rule_batch_entries (
    organisation_id uuid NOT NULL,
    batch_id        uuid NOT NULL,
    entry_id        uuid NOT NULL,
    PRIMARY KEY (organisation_id, batch_id, entry_id)
);

GRANT SELECT, INSERT, UPDATE ON rule_batches TO rocket_app;
GRANT SELECT, INSERT ON rule_batch_entries TO rocket_app;
