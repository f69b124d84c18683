-- Files that are imported. They are kept in pieces, so that whichever worker is free can go on with one; the job's
-- id is the file's. Their content goes when the job has finished, rejected rows two months later.
CREATE TABLE import_files (
    organisation_id uuid NOT NULL,
    file_id         uuid NOT NULL,
    bytes           bigint CONSTRAINT import_file_bytes CHECK (bytes >= 0),
    encoding        text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    emptied_at      timestamptz,
    PRIMARY KEY (organisation_id, file_id)
);

CREATE TABLE import_chunks (
    organisation_id uuid NOT NULL,
    file_id         uuid NOT NULL,
    begins_at       bigint NOT NULL CONSTRAINT import_chunk_begins_at CHECK (begins_at >= 0),
    content         bytea NOT NULL CONSTRAINT import_chunk_bytes CHECK (length(content) <= 262144),
    PRIMARY KEY (organisation_id, file_id, begins_at)
);
-- Packing takes longer than the disk.
ALTER TABLE import_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE import_rejects (
    organisation_id uuid NOT NULL,
    file_id         uuid NOT NULL,
    ends_at         bigint NOT NULL,
    line            bigint NOT NULL,
    fields          text[] NOT NULL,
    reason          text NOT NULL,
    PRIMARY KEY (organisation_id, file_id, ends_at)
);

-- What a trial has met: nothing else of it stays.
CREATE TABLE import_keys (
    organisation_id uuid NOT NULL,
    file_id         uuid NOT NULL,
    dedupe_key      bytea NOT NULL,
    PRIMARY KEY (organisation_id, file_id, dedupe_key)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON import_files TO rocket_app;
GRANT SELECT, INSERT, DELETE ON import_chunks, import_rejects, import_keys TO rocket_app;
