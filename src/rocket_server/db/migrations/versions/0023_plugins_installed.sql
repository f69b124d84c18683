-- When a worker last had a plugin. The endpoint of one that no worker has had for a day gets no deliveries: there is
-- nobody to call it.
CREATE TABLE plugin_installations (
    plugin_id text PRIMARY KEY,
    seen_at   timestamptz NOT NULL
);
ALTER TABLE endpoints ADD COLUMN installed boolean NOT NULL DEFAULT true;
INSERT INTO plugin_installations (plugin_id, seen_at)
SELECT DISTINCT plugin_id, now() FROM endpoints WHERE plugin_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON plugin_installations TO rocket_app;
