-- Who has earned most. The ledger is the truth; these tables follow it a moment later, a bounded piece at a
-- time, and can be made again from it.

-- How a learner appears to others.
ALTER TABLE learners ADD COLUMN leaderboard text NOT NULL DEFAULT 'shown'
    CONSTRAINT learner_leaderboard CHECK (leaderboard IN ('shown', 'anonymous', 'hidden'));

-- What each learner earned on each board (see leaderboards/boards.py for their names).
CREATE TABLE standings (
    organisation_id uuid NOT NULL,
    board           text NOT NULL,
    learner_id      uuid NOT NULL,
    points          bigint NOT NULL,
    PRIMARY KEY (organisation_id, board, learner_id)
) WITH (fillfactor = 80);
CREATE INDEX standings_in_order ON standings (organisation_id, board, points, learner_id) WHERE points > 0;
CREATE INDEX standings_by_learner ON standings (organisation_id, learner_id);

-- How many learners of a board have how many points, by single points (width 1) and by 256: a rank is then
-- the sum of some hundred numbers, however many learners stand before.
CREATE TABLE standing_counts (
    organisation_id uuid NOT NULL,
    board           text NOT NULL,
    width           integer NOT NULL CONSTRAINT standing_width CHECK (width IN (1, 256)),
    bucket          bigint NOT NULL,
    learners        bigint NOT NULL,
    PRIMARY KEY (organisation_id, board, width, bucket)
) WITH (fillfactor = 80);

-- How many of a learner's entries are counted. Entries are numbered without a gap, so none is counted twice
-- or left out, whatever the order in which transactions commit.
CREATE TABLE standing_progress (
    organisation_id uuid NOT NULL,
    learner_id      uuid NOT NULL,
    entries         bigint NOT NULL,
    PRIMARY KEY (organisation_id, learner_id)
) WITH (fillfactor = 80);

-- Entries are looked at as soon as they are seen (`position`) and again a while later (`confirmed`), since ids
-- are made before their transactions commit. `swept_to`: the account that the running sweep has reached.
CREATE TABLE leaderboard_states (
    organisation_id uuid PRIMARY KEY REFERENCES organisations,
    timezone        text NOT NULL,
    position        uuid NOT NULL,
    confirmed       uuid NOT NULL,
    swept_to        uuid,
    swept_at        timestamptz,
    refreshed_at    timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON standings, standing_counts, standing_progress, leaderboard_states
    TO rocket_app;
