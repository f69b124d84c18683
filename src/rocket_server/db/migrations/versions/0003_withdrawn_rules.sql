-- A rule that was withdrawn: a version of its own, so that no version is ever changed or removed. Its definition
-- is that of the version before, switched off, so that a server of an older release awards nothing by it.
ALTER TABLE rules ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
