-- Time zones that the database doesn't know made every query by local time fail, and with one organisation's
-- all others' boards and ranks.

-- The name that stood in the place of UTC before: an administrator sees it until they choose a zone.
ALTER TABLE organisations ADD COLUMN timezone_replaced text;

-- Another case of a known name.
UPDATE organisations o SET timezone = n.name, version = version + 1
FROM pg_timezone_names n
WHERE lower(n.name) = lower(o.timezone) AND n.name <> o.timezone;

-- PostgreSQL reads these as abbreviations, without summer time. The server has always meant the places that
-- the time zone database has them as.
UPDATE organisations o SET timezone = n.place, version = version + 1
FROM (VALUES ('CET', 'Europe/Brussels'), ('MET', 'Europe/Brussels'), ('EET', 'Europe/Athens'), ('WET', 'Europe/Lisbon'))
    AS n (name, place)
WHERE o.timezone = n.name;

UPDATE organisations SET timezone_replaced = timezone, timezone = 'UTC', version = version + 1
WHERE timezone = 'Factory' OR timezone NOT IN (SELECT name FROM pg_timezone_names);
