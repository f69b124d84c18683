-- Streaks are read from the standings of weeks, by learner. Those of who is hidden are counted from now on too:
-- the next sweep counts them.

CREATE INDEX standings_of_learner ON standings (organisation_id, learner_id, board);
DROP INDEX standings_by_learner;

DELETE FROM standing_progress p
USING learners own, learners l
WHERE own.organisation_id = p.organisation_id AND own.learner_id = p.learner_id
    AND l.organisation_id = p.organisation_id AND l.learner_id = coalesce(own.merged_into, own.learner_id)
    AND l.leaderboard = 'hidden';
