-- Work that a person starts and that takes many transactions: who started it, how far it is, and what became of it.
-- A worker holds a job under a lease. `attempt` is raised with each claim and is the fencing token: what a claim
-- does counts only as long as the row has its number. `position` is where the next piece begins, in words of the
-- kind's own; it is written in the transaction that does the piece.
CREATE TABLE jobs (
    organisation_id uuid NOT NULL,
    job_id          uuid NOT NULL,
    kind            text NOT NULL CONSTRAINT job_kind_length CHECK (length(kind) BETWEEN 1 AND 50),
    subject         text NOT NULL CONSTRAINT job_subject_length CHECK (length(subject) BETWEEN 1 AND 400),
    arguments       jsonb NOT NULL DEFAULT '{}',
    status          text NOT NULL DEFAULT 'waiting' CONSTRAINT job_status
        CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    position        jsonb,
    done            bigint NOT NULL DEFAULT 0 CONSTRAINT job_done CHECK (done >= 0),
    total           bigint CONSTRAINT job_total CHECK (total >= 0),
    counts          jsonb NOT NULL DEFAULT '{}',
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    error           text,
    failures        smallint NOT NULL DEFAULT 0 CONSTRAINT job_failures CHECK (failures >= 0),
    attempt         bigint NOT NULL DEFAULT 0 CONSTRAINT job_attempt CHECK (attempt >= 0),
    leased_until    timestamptz,
    PRIMARY KEY (organisation_id, job_id),
    CONSTRAINT job_finished CHECK ((finished_at IS NOT NULL) = (status IN ('done', 'failed', 'cancelled')))
) WITH (fillfactor = 70);
CREATE INDEX jobs_unfinished ON jobs (organisation_id, job_id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX job_running_once ON jobs (organisation_id, kind, subject) WHERE finished_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO rocket_app;
