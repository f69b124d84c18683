-- What an organisation has set, by name: a new setting needs no column. The old columns have defaults for
-- organisations that are made without them, are used no more, and go with the next release: until then servers of the one before read them.
ALTER TABLE organisations
    ADD COLUMN settings jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT organisation_settings CHECK (jsonb_typeof(settings) = 'object'),
    ALTER COLUMN timezone SET DEFAULT 'UTC',
    ALTER COLUMN unknown_learner SET DEFAULT 'create',
    ALTER COLUMN weekly_goal SET DEFAULT 50;

UPDATE organisations
SET version = version + 1, settings = jsonb_strip_nulls(jsonb_build_object(
    'timezone', timezone, 'unknown_learner', unknown_learner, 'weekly_goal', weekly_goal, 'ranks', ranks,
    'grace_weeks', grace_weeks));
